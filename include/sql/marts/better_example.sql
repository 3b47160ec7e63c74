CREATE OR REPLACE VIEW mart.better_example AS
SELECT
    d.sector_code,
    d.region_code,
    d.first_year,
    d.last_year,
    d.annual_rate,
    d.own_part_pct,
    d.earlier_first_year,
    d.earlier_last_year,
    d.earlier_annual_rate,
    d.release_id,
    d.earlier_release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.better_example AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
