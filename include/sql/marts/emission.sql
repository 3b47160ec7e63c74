-- Shows greenhouse gas emissions of the current releases, with names and quality classes.
CREATE OR REPLACE VIEW mart.emission AS
SELECT
    f.region_code,
    r.region_name,
    r.level,
    r.county_code,
    f.year,
    f.sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    f.substance,
    f.emissions_tco2e,
    f.status,
    q.national_worst AS national_quality,
    q.geographic_worst AS geographic_quality,
    CASE WHEN q.sector_code IS NULL THEN 'total' WHEN q.national_worst IS NULL THEN 'not_read' END
        AS quality_reason,
    f.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.emission AS f
INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
LEFT JOIN core.dim_sector_quality AS q ON split_part(s.sector_code, '.', 1) = q.sector_code
WHERE
    f.facts_id = (
        SELECT pf.facts_id
        FROM ops.publication_facts AS pf
        WHERE
            pf.fact = 'emission'
            AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
    );
