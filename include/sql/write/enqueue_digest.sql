-- At most one digest a day and recipient: a second one of the same day is queued by the watch the day after.
INSERT INTO ops.mail_outbox (kind, publication_id, as_of_date, recipient, approval)
VALUES ('digest', %(publication_id)s, %(as_of_date)s, %(recipient)s, %(approval)s)
ON CONFLICT DO NOTHING
RETURNING outbox_id
