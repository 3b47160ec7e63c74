-- Reads the outcome of the same bytes the last time they were fetched; no row where they are new.
-- Bytes whose release a check refused count as refused, like those that led to no release.
SELECT
    CASE WHEN d.state = 'quarantined' THEN 'quarantined' ELSE s.outcome END AS outcome,
    s.release_id,
    s.run_id,
    s.parser_version
FROM ops.snapshot AS s
LEFT JOIN core.dim_release AS d ON s.release_id = d.release_id
WHERE
    s.snapshot_sha256 = %(snapshot_sha256)s
    AND s.dataset = %(dataset)s
    AND s.substance = %(substance)s
