CREATE OR REPLACE VIEW mart.network_summary AS
SELECT
    d.panel,
    d.boundary,
    d.year,
    d.region_count,
    d.emissions_tco2e,
    d.population_count,
    d.emissions_t_per_capita,
    d.change_since_1990_pct,
    d.status,
    d.status_reason,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.network_summary AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
