-- Mails in state sending: a process is sending them now, or ended half-way.
SELECT o.outbox_id
FROM ops.mail_outbox AS o
WHERE o.state = 'sending'
ORDER BY o.outbox_id
FOR UPDATE SKIP LOCKED;
