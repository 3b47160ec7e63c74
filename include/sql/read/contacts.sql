-- The contacts that are kept; for the mailer only.
SELECT
    region_code,
    kind,
    role,
    address
FROM person.contact
ORDER BY region_code, kind
