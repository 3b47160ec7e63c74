CREATE OR REPLACE VIEW mart.reporting_answer AS
SELECT
    m.round_id,
    m.region_code,
    r.region_name,
    m.answered_on,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.answer AS m
INNER JOIN core.dim_region AS r ON m.region_code = r.region_code
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
