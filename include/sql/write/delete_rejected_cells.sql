-- Deletes old refused cells, except those of releases that still wait for a verdict or a person.
DELETE FROM staging.rejected_cell AS r
USING ops.source_run AS s
WHERE
    r.run_id = s.run_id
    AND s.ended_at < %(before)s
    AND NOT EXISTS (
        SELECT 1
        FROM core.dim_release AS d
        WHERE d.run_id = s.run_id AND d.state IN ('loaded', 'validated', 'held')
    )
