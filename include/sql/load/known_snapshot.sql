-- What became of these bytes the last time they were met; no row when they are new.
SELECT
    outcome,
    release_id,
    run_id,
    parser_version
FROM ops.snapshot
WHERE
    snapshot_sha256 = %(snapshot_sha256)s
    AND dataset = %(dataset)s
    AND substance = %(substance)s
