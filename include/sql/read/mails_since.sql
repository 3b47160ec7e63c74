SELECT
    state,
    count(*) AS n
FROM ops.mail_outbox
WHERE updated_at >= %(moment)s OR state IN ('refused', 'failed', 'unknown')
GROUP BY state
