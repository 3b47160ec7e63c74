-- Records what became of a mail.
UPDATE ops.mail_outbox
SET
    state = %(state)s,
    last_error = %(detail)s,
    updated_at = %(now)s,
    sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s ELSE sent_at END
WHERE outbox_id = %(outbox_id)s;
