-- Which publication a page shows: said on every page, loudly where the figures are not live.
SELECT
    publication_id,
    as_of_date,
    origin,
    method_version,
    published_at
FROM mart.publication
