-- Counts the rows of every release of a run.
SELECT
    release_id,
    row_count
FROM core.dim_release
WHERE run_id = %(run_id)s
ORDER BY release_id
