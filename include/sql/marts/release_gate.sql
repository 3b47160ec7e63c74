CREATE OR REPLACE VIEW mart.release_gate AS
SELECT
    v.release_id,
    v.verdict,
    g.rule,
    g.severity,
    g.passed,
    g.measured,
    g.limit_value,
    g.unit,
    g.finding_count,
    g.message_sv,
    g.message_en,
    g.sample,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN LATERAL (
    SELECT
        x.validation_id,
        x.release_id,
        x.verdict
    FROM ops.validation AS x
    WHERE x.release_id = pr.release_id
    ORDER BY x.validation_id DESC
    LIMIT 1
) AS v ON TRUE
INNER JOIN ops.validation_gate AS g ON v.validation_id = g.validation_id
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
