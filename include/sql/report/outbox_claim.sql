-- Claims the next mail that may be sent and that no other process is sending.
SELECT
    o.outbox_id,
    o.publication_id,
    o.recipient,
    o.message_id,
    o.created_at
FROM ops.mail_outbox AS o
WHERE
    o.state IN ('pending', 'failed')
    AND o.approval IN ('not_needed', 'approved')
    AND NOT o.outbox_id = ANY(%(done)s)
ORDER BY o.outbox_id
LIMIT 1
FOR UPDATE SKIP LOCKED;
