-- Reads the publication that an export describes.
SELECT
    publication_id,
    as_of_date,
    origin,
    method_version,
    published_at
FROM mart.publication
