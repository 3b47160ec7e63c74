-- The current publication, with its day, origin and causes.
SELECT
    p.publication_id,
    p.as_of_date,
    p.origin,
    p.method_version,
    p.causes
FROM mart.publication AS p;
