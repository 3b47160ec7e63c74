-- Lists mails that were begun and not settled: being sent now, or interrupted.
SELECT o.outbox_id
FROM ops.mail_outbox AS o
WHERE o.state = 'sending'
ORDER BY o.outbox_id
FOR UPDATE SKIP LOCKED;
