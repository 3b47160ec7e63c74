-- Reads the freshness of every dataset, for the digest.
SELECT
    s.dataset,
    s.substance,
    s.published_date,
    s.next_expected,
    s.status,
    s.publication_id
FROM mart.data_status AS s
ORDER BY s.source, s.dataset, s.substance;
