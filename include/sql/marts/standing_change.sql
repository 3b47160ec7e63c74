CREATE OR REPLACE VIEW mart.standing_change AS
SELECT
    d.target_id,
    d.region_code,
    d.step_order,
    d.step,
    d.status,
    d.variants_met,
    d.variants_n,
    d.central_tco2e,
    d.level_tco2e,
    d.gap_tco2e,
    d.last_year,
    d.last_tco2e,
    d.gap_part_tco2e,
    d.cause,
    d.change_since_base_pct,
    d.change_part_points,
    d.from_release_id,
    d.to_release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.standing_change AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
