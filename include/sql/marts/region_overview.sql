CREATE OR REPLACE VIEW mart.region_overview AS
SELECT
    d.region_code,
    d.is_member,
    d.last_year,
    d.previous_year,
    d.published_total_tco2e,
    d.territorial_tco2e,
    d.effort_sharing_proxy_tco2e,
    d.territorial_t_per_capita,
    d.per_capita_reason,
    d.change_since_1990_pct,
    d.change_since_previous_year_pct,
    d.national_part_pct,
    d.own_part_pct,
    d.own_part_status,
    d.scaled_share_pct,
    d.revision_of_previous_year_pct,
    d.flags,
    d.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.region_overview AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
