CREATE OR REPLACE VIEW mart.measure_coverage AS
SELECT
    d.region_code,
    r.region_name,
    d.target_id,
    d.sector_code,
    d.boundary,
    d.last_year,
    d.target_year,
    d.gap_tco2e,
    d.counted_tco2e,
    d.planned_tco2e,
    d.coverage_pct,
    d.coverage_points,
    d.coverage_reason,
    d.reason_sv,
    d.reason_en,
    d.measure_count,
    d.without_effect_count,
    d.without_effect_pct,
    d.overlap,
    d.publication_id
FROM mart_data.measure_coverage AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
