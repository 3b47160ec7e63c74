-- One writer of the registers at a time; the moment is taken under the lock, so that moments never run backwards.
SELECT pg_advisory_xact_lock(hashtext('klimatpuls registers'))
