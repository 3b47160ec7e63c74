-- Reads the parser's notes on the releases of a run.
SELECT
    release_id,
    notes
FROM core.dim_release
WHERE run_id = %(run_id)s AND cardinality(notes) > 0
ORDER BY release_id
