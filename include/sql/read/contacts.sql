-- Reads the contacts of members; for the mailer only.
SELECT
    region_code,
    kind,
    role,
    address
FROM person.contact
ORDER BY region_code, kind
