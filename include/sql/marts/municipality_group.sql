CREATE OR REPLACE VIEW mart.municipality_group AS
SELECT
    m.region_code,
    r.region_name,
    m.group_code,
    m.group_name_sv,
    m.group_name_en,
    m.valid_from,
    m.valid_to,
    m.source,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.municipality_group AS m
INNER JOIN core.dim_region AS r ON m.region_code = r.region_code
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
