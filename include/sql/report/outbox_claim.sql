-- Claims the next mail that may be sent and that no other process is sending.
SELECT
    o.outbox_id,
    o.kind,
    o.publication_id,
    coalesce(o.recipient, c.address) AS recipient,
    o.message_id,
    o.created_at,
    o.subject,
    o.body
FROM ops.mail_outbox AS o
LEFT JOIN person.contact AS c ON o.region_code = c.region_code AND o.contact_kind = c.kind
WHERE
    o.state IN ('pending', 'failed')
    AND o.approval IN ('not_needed', 'approved')
    AND NOT o.outbox_id = any(%(done)s)
ORDER BY o.outbox_id
LIMIT 1
FOR UPDATE OF o SKIP LOCKED;
