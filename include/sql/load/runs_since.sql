SELECT
    run_id,
    source,
    state,
    detail
FROM ops.source_run
WHERE run_id > %(run_id)s
ORDER BY source, run_id
