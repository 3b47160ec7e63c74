-- Counts mails by state: those updated since a moment, and those that did not arrive.
SELECT
    state,
    count(*) AS n
FROM ops.mail_outbox
WHERE updated_at >= %(moment)s OR state IN ('refused', 'failed', 'unknown')
GROUP BY state
