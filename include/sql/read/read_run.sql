-- Reads one source run.
SELECT
    run_id,
    source,
    origin,
    as_of_date,
    state,
    detail
FROM ops.source_run
WHERE run_id = %(run_id)s
