CREATE OR REPLACE VIEW mart.criteria_rule AS
SELECT
    m.rule_id,
    m.criterion,
    m.value,
    m.unit,
    m.title_sv,
    m.title_en,
    m.source,
    m.valid_from,
    m.valid_to,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.criteria_rule AS m
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
