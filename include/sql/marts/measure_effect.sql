-- Shows the expected cuts of measures, one row per year.
CREATE OR REPLACE VIEW mart.measure_effect AS
SELECT
    m.measure_id,
    m.owner_region_code AS region_code,
    m.boundary,
    m.sector_code,
    m.status,
    e.key::smallint AS year,
    e.value::double precision AS expected_reduction_tco2e,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id,
    e.value::double precision AS effect_tco2e
FROM register.measure AS m
CROSS JOIN LATERAL jsonb_each_text(m.effects) AS e
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
