-- Lists the run's snapshots that led to no release yet.
SELECT
    snapshot_sha256,
    dataset,
    substance,
    known_from,
    retrieved_at,
    manifest_path
FROM ops.snapshot
WHERE run_id = %(run_id)s AND outcome IS NULL
ORDER BY dataset, substance, snapshot_sha256
