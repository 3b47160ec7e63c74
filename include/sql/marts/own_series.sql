CREATE OR REPLACE VIEW mart.own_series AS
SELECT
    m.series_id,
    m.owner_region_code AS region_code,
    r.region_name,
    m.title_sv,
    m.title_en,
    m.year,
    m.value,
    m.unit,
    m.source,
    m.method,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.own_series AS m
INNER JOIN core.dim_region AS r ON m.owner_region_code = r.region_code
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
