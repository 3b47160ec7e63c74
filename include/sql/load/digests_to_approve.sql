SELECT count(*)
FROM ops.mail_outbox
WHERE approval = 'asked' AND state = 'pending'
