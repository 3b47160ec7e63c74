-- Lists runs that began after a mark, or ended after its moment, with rows loaded and cells rejected.
-- Older runs that were taken up again are among them.
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
