-- Shows greenhouse gas emissions of every published release, side by side.
CREATE OR REPLACE VIEW mart.emission_by_release AS
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
    f.emissions AS emissions_tco2e,
    'observed'::text AS status,
    q.national_worst AS national_quality,
    q.geographic_worst AS geographic_quality,
    CASE WHEN q.sector_code IS NULL THEN 'total' WHEN q.national_worst IS NULL THEN 'not_read' END
        AS quality_reason,
    f.release_id,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
INNER JOIN core.dim_substance AS b ON d.substance = b.substance AND b.is_greenhouse_gas
INNER JOIN core.fct_emission AS f ON d.run_id = f.run_id AND d.release_id = f.release_id
INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
LEFT JOIN core.dim_sector_quality AS q ON split_part(s.sector_code, '.', 1) = q.sector_code
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
