CREATE OR REPLACE VIEW mart.nowcast AS
SELECT
    d.region_code,
    d.year,
    d.last_year,
    d.last_tco2e,
    d.emissions_tco2e,
    d.change_pct,
    d.basis,
    d.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.nowcast AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
