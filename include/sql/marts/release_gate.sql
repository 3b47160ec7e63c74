-- Shows the checks of every release with measured value and limit.
CREATE OR REPLACE VIEW mart.release_gate AS
SELECT
    pr.release_id,
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
    pr.publication_id,
    v.compared_with
FROM ops.publication_release AS pr
INNER JOIN ops.validation AS v ON pr.validation_id = v.validation_id
INNER JOIN ops.validation_gate AS g ON v.validation_id = g.validation_id
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
