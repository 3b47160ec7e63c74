-- Lists a source's snapshots that led to no release in use.
-- A parser refused them, a check refused their release, or a run ended before it read them.
SELECT
    s.snapshot_sha256,
    s.dataset,
    s.substance,
    CASE WHEN d.state = 'quarantined' THEN 'quarantined' ELSE s.outcome END AS outcome,
    s.parser_version
FROM ops.snapshot AS s
INNER JOIN ops.source_run AS r ON s.run_id = r.run_id
LEFT JOIN core.dim_release AS d ON s.release_id = d.release_id
WHERE
    s.source = %(source)s
    AND (
        s.outcome = 'quarantined'
        OR d.state = 'quarantined'
        OR (s.outcome IS NULL AND r.ended_at IS NOT NULL)
    )
ORDER BY s.retrieved_at, s.dataset, s.substance, s.snapshot_sha256
