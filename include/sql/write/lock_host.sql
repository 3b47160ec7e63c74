-- One caller of a host reckons at a time, to the end of its transaction; what the host states of itself.
SELECT
    pg_advisory_xact_lock(hashtext('klimatpuls calls'), hashtext(%(host)s)) AS locked,
    (
        SELECT l.windows
        FROM ops.host_limit AS l
        WHERE l.host = %(host)s
    ) AS windows
