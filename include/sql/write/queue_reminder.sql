-- Queues a reminder to a contact, at most one a day.
INSERT INTO ops.mail_outbox (kind, publication_id, as_of_date, region_code, contact_kind, subject, body, approval)
VALUES (
    'reminder', %(publication_id)s, %(as_of_date)s, %(region_code)s, %(contact_kind)s, %(subject)s, %(body)s,
    %(approval)s
)
ON CONFLICT DO NOTHING
RETURNING outbox_id
