-- Lists a source's files that its parser or a gate refused and that led to no release, with the newest reason.
SELECT
    s.snapshot_sha256,
    s.dataset,
    s.substance,
    s.retrieved_at,
    coalesce(x.rule, 'refused') AS rule,
    coalesce(x.message_en, 'no reason was kept') AS message_en
FROM ops.snapshot AS s
LEFT JOIN core.dim_release AS d ON s.release_id = d.release_id
LEFT JOIN LATERAL (
    SELECT
        g.rule,
        g.message_en
    FROM ops.validation AS v
    INNER JOIN ops.validation_gate AS g ON v.validation_id = g.validation_id
    WHERE
        NOT g.passed
        AND g.severity = 'hard'
        AND CASE
            WHEN s.release_id IS NULL
                THEN
                    v.snapshot_sha256 = s.snapshot_sha256
                    AND v.dataset = s.dataset
                    AND v.substance = s.substance
                    AND v.release_id IS NULL
            ELSE v.release_id = s.release_id
        END
    ORDER BY v.validation_id DESC, g.rule
    LIMIT 1
) AS x ON TRUE
WHERE s.source = %(source)s AND (s.outcome = 'quarantined' OR d.state = 'quarantined')
ORDER BY s.retrieved_at, s.dataset, s.substance
