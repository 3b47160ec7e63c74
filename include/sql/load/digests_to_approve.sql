SELECT outbox_id
FROM ops.mail_outbox
WHERE approval = 'asked' AND state = 'pending'
ORDER BY outbox_id
