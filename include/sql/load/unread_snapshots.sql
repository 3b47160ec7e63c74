-- A source's bytes of which nothing has come: refused by a parser, or left unread by a run that has ended.
SELECT
    s.snapshot_sha256,
    s.dataset,
    s.substance,
    s.outcome,
    s.parser_version
FROM ops.snapshot AS s
INNER JOIN ops.source_run AS r ON s.run_id = r.run_id
WHERE
    s.source = %(source)s
    AND s.release_id IS NULL
    AND (s.outcome = 'quarantined' OR (s.outcome IS NULL AND r.ended_at IS NOT NULL))
ORDER BY s.retrieved_at, s.dataset, s.substance, s.snapshot_sha256
