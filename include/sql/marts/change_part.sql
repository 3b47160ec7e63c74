CREATE OR REPLACE VIEW mart.change_part AS
SELECT
    d.region_code,
    d.sector_code,
    d.first_year,
    d.last_year,
    d.first_tco2e,
    d.last_tco2e,
    d.national_part_tco2e,
    d.own_part_tco2e,
    d.change_pct,
    d.national_part_pct,
    d.own_part_pct,
    d.near_nation_pct,
    d.near_nation_tonnes_pct,
    d.scaled_share_pct,
    d.own_part_status,
    d.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.change_part AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
