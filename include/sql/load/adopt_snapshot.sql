-- Bytes met before that came to nothing (a run that was interrupted): this run goes on with them.
UPDATE ops.snapshot
SET run_id = %(run_id)s
WHERE
    snapshot_sha256 = %(snapshot_sha256)s
    AND dataset = %(dataset)s
    AND substance = %(substance)s
