-- Locks a host until the end of the transaction and reads its stated limits: one caller at a time calculates.
SELECT
    pg_advisory_xact_lock(hashtext('klimatpuls calls'), hashtext(%(host)s)) AS locked,
    (
        SELECT l.windows
        FROM ops.host_limit AS l
        WHERE l.host = %(host)s
    ) AS windows
