-- How many mails wait for the answer of a person.
SELECT count(*)
FROM ops.mail_outbox AS o
WHERE o.state IN ('pending', 'failed') AND o.approval = 'asked';
