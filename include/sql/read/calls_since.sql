-- Counts the calls of each host since a moment.
SELECT
    host,
    count(*) AS calls
FROM ops.host_call
WHERE called_at >= %(moment)s
GROUP BY host
ORDER BY host
