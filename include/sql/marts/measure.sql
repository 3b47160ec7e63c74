CREATE OR REPLACE VIEW mart.measure AS
SELECT
    m.measure_id,
    m.owner_region_code AS region_code,
    r.region_name,
    m.boundary,
    m.sector_code,
    m.title_sv,
    m.title_en,
    m.status,
    m.start_date,
    m.end_date,
    m.effects,
    m.reckoned_by,
    m.how,
    m.cost_sek,
    m.klimatklivet_case,
    m.responsible_role,
    m.evidence_links,
    m.last_updated,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.measure AS m
INNER JOIN core.dim_region AS r ON m.owner_region_code = r.region_code
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
