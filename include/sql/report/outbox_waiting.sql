-- Counts the mails that wait for approval.
SELECT count(*)
FROM ops.mail_outbox AS o
WHERE o.state IN ('pending', 'failed') AND o.approval = 'asked';
