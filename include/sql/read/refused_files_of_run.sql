-- Lists the files of a run that were quarantined.
SELECT
    dataset,
    substance,
    snapshot_sha256
FROM ops.snapshot
WHERE run_id = %(run_id)s AND outcome = 'quarantined'
ORDER BY dataset, substance
