-- Runs begun after a mark, and older ones that were taken up again and ended after its moment, with the rows
-- that were loaded and the cells that were rejected.
SELECT
    r.run_id,
    r.source,
    r.state,
    r.detail,
    coalesce(sum(d.row_count), 0) AS rows_loaded,
    coalesce(sum(d.rejected_count), 0) AS rows_rejected
FROM ops.source_run AS r
LEFT JOIN core.dim_release AS d ON r.run_id = d.run_id
WHERE r.run_id > %(run_id)s OR r.ended_at >= %(moment)s
GROUP BY r.run_id
ORDER BY r.source, r.run_id
