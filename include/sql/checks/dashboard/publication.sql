-- Reads which publication a page shows; every page says it.
SELECT
    publication_id,
    as_of_date,
    origin,
    method_version,
    published_at
FROM mart.publication
