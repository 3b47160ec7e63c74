-- What became of these bytes the last time they were met; no row when they are new. Bytes whose release a gate refused
-- are refused like those that no release came of.
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
