-- Reads the current publication, with what it was calculated from.
SELECT
    cp.publication_id,
    coalesce(cp.results_id, cp.publication_id) AS results_id,
    coalesce(p.register_sha256, '') AS register_sha256,
    coalesce(p.method_version, '') AS method_version,
    p.as_of_date,
    p.registers_at,
    p.origin,
    coalesce(p.code_sha256, '') AS code_sha256
FROM mart.current_publication AS cp
LEFT JOIN ops.publication AS p ON cp.publication_id = p.publication_id
