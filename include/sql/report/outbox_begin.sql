-- Marks a mail as being sent, before it is handed to the server.
UPDATE ops.mail_outbox
SET
    state = 'sending',
    message_id = %(message_id)s,
    html_sha256 = %(html_sha256)s,
    text_sha256 = %(text_sha256)s,
    headline = %(headline)s::jsonb,
    attempts = attempts + 1,
    last_error = NULL,
    updated_at = %(now)s
WHERE outbox_id = %(outbox_id)s;
