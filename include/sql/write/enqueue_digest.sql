-- Queues a digest, at most one a day and recipient; the watch queues a second one the day after.
INSERT INTO ops.mail_outbox (kind, publication_id, as_of_date, recipient, approval)
VALUES ('digest', %(publication_id)s, %(as_of_date)s, %(recipient)s, %(approval)s)
ON CONFLICT DO NOTHING
RETURNING outbox_id
