-- Records what became of a snapshot.
UPDATE ops.snapshot
SET
    outcome = %(outcome)s,
    release_id = %(release_id)s,
    parser_version = %(parser_version)s
WHERE
    snapshot_sha256 = %(snapshot_sha256)s
    AND dataset = %(dataset)s
    AND substance = %(substance)s
