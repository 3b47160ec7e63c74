-- Shows the files behind every release.
CREATE OR REPLACE VIEW mart.release_file AS
SELECT
    d.release_id,
    s.snapshot_sha256 AS file_sha256,
    s.snapshot_sha256 = d.file_sha256 AS is_read,
    d.dataset,
    d.substance,
    d.published_date,
    s.url,
    s.size_bytes,
    s.retrieved_at,
    s.manifest_path,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
INNER JOIN ops.snapshot AS s
    ON d.release_id = s.release_id AND d.dataset = s.dataset AND d.substance = s.substance
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
