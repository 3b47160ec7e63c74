-- Seconds since each call of a host, the latest last. A call after now is of a clock that was set back: no
-- reason to wait until that hour comes again.
SELECT extract(EPOCH FROM n.moment - c.called_at)::double precision AS age
FROM (SELECT clock_timestamp() AS moment) AS n
INNER JOIN ops.host_call AS c
    ON n.moment >= c.called_at AND n.moment < c.called_at + make_interval(secs => %(seconds)s)
WHERE c.host = %(host)s
ORDER BY c.called_at
