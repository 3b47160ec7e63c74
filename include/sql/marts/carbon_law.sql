CREATE OR REPLACE VIEW mart.carbon_law AS
SELECT
    d.region_code,
    d.release_id,
    d.reference_year,
    d.emissions_slope_t_per_year,
    d.estimated_reference_year_tco2e,
    d.projected_next_year_tco2e,
    d.projected_2030_tco2e,
    d.projected_2045_tco2e,
    d.projected_2050_tco2e,
    d.trend_total_tco2e,
    d.carbon_law_total_tco2e,
    d.meets_carbon_law,
    d.net_zero_date,
    d.annual_change_pct,
    d.annual_change_v1_pct,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.carbon_law AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
