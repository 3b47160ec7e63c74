-- Finds the run that last refused these bytes, and the rule they broke.
SELECT
    v.run_id,
    g.rule
FROM ops.validation AS v
INNER JOIN ops.validation_gate AS g ON v.validation_id = g.validation_id
WHERE
    v.snapshot_sha256 = %(snapshot_sha256)s
    AND v.dataset = %(dataset)s
    AND v.substance = %(substance)s
    AND v.release_id IS NULL
    AND v.run_id <> %(run_id)s
ORDER BY v.validation_id DESC
LIMIT 1
