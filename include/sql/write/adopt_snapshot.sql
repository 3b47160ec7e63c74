-- Assigns snapshots to this run that an interrupted run left, or that another version of the parser refused.
UPDATE ops.snapshot
SET
    run_id = %(run_id)s,
    outcome = NULL,
    release_id = NULL,
    parser_version = NULL
WHERE
    snapshot_sha256 = %(snapshot_sha256)s
    AND dataset = %(dataset)s
    AND substance = %(substance)s
