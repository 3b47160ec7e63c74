-- Locks the registers for one writer; the moment is taken under the lock, so moments never run backwards.
SELECT pg_advisory_xact_lock(hashtext('klimatpuls registers'))
