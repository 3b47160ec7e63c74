CREATE OR REPLACE VIEW mart.boundary_series AS
SELECT
    d.region_code,
    r.region_name,
    r.level,
    r.county_code,
    d.boundary,
    d.year,
    d.emissions_tco2e,
    d.status,
    d.flags,
    d.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.boundary_series AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
