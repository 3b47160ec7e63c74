-- Lists the last validation of each release or refused file of a run that a person should see.
SELECT DISTINCT ON (v.dataset, v.substance, v.snapshot_sha256)
    v.validation_id,
    v.dataset,
    v.substance,
    v.release_id,
    v.snapshot_sha256,
    v.verdict,
    v.docs_path,
    d.published_date
FROM ops.validation AS v
LEFT JOIN core.dim_release AS d ON v.release_id = d.release_id
WHERE v.run_id = %(run_id)s AND v.verdict <> 'publish'
ORDER BY v.dataset, v.substance, v.snapshot_sha256, v.validation_id DESC
