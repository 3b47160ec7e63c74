-- Runs begun after a mark, and older ones that were taken up again and ended after its moment.
SELECT
    run_id,
    source,
    state,
    detail
FROM ops.source_run
WHERE run_id > %(run_id)s OR ended_at >= %(moment)s
ORDER BY source, run_id
