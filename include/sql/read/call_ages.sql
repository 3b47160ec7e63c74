-- Lists the seconds since each call of a host can have arrived at the latest, longest ago first.
-- That is when it was answered, or now if it is on its way, but no later than its caller may take to connect. A call in
-- the future is from a clock that was set back: no reason to wait until that hour comes again.
SELECT
    extract(
        EPOCH FROM n.moment - least(
            coalesce(c.answered_at, n.moment), c.called_at + make_interval(secs => %(travel_seconds)s)
        )
    )::double precision AS age
FROM (SELECT clock_timestamp() AS moment) AS n
CROSS JOIN ops.host_call AS c
WHERE
    c.host = %(host)s
    AND c.called_at > n.moment - make_interval(secs => %(seconds)s + %(travel_seconds)s)
    AND c.called_at <= n.moment
ORDER BY age DESC
