-- Marks a mail as being sent, with its Message-ID and the hashes of what is sent.
UPDATE ops.mail_outbox
SET
    state = 'sending',
    message_id = %(message_id)s,
    html_sha256 = %(html_sha256)s,
    text_sha256 = %(text_sha256)s,
    attempts = attempts + 1,
    last_error = NULL,
    updated_at = %(now)s
WHERE outbox_id = %(outbox_id)s;
