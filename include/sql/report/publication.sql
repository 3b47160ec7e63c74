-- Reads the current publication, for the digest.
SELECT
    p.publication_id,
    p.as_of_date,
    p.origin,
    p.method_version,
    p.causes
FROM mart.publication AS p;
