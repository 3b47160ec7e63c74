-- Lists the releases of a run with state and number of rows.
SELECT
    release_id,
    state,
    dataset,
    substance,
    published_date,
    row_count,
    rejected_count
FROM core.dim_release
WHERE run_id = %(run_id)s
ORDER BY release_id
