-- Reads members' own targets; national lines appear in no mail.
SELECT
    r.region_name,
    t.target_id,
    g.title_sv,
    g.title_en,
    t.boundary,
    coalesce(o.title_sv, l.title_sv) AS boundary_title_sv,
    coalesce(o.title_en, l.title_en) AS boundary_title_en,
    t.target_year,
    t.level_tco2e,
    t.last_year,
    t.last_tco2e,
    t.status,
    t.status_reason,
    t.variants_met,
    t.variants_n,
    t.required_annual_reduction_rate,
    t.achieved_annual_reduction_rate,
    t.achieved_from_year,
    t.annual_reduction_since_2015,
    t.flags,
    t.release_id,
    t.publication_id
FROM mart.target_progress AS t
INNER JOIN mart.region AS r ON t.region_code = r.region_code
INNER JOIN mart.target AS g ON t.target_id = g.target_id
LEFT JOIN
    (
        SELECT DISTINCT ON (series_id)
            series_id,
            title_sv,
            title_en
        FROM mart.own_series
        ORDER BY series_id, year DESC
    ) AS o
    ON t.boundary = 'own_series:' || o.series_id
LEFT JOIN mart.sector_list AS l ON t.boundary = 'sector_list:' || l.list_id
WHERE t.is_own_target
ORDER BY r.sort_sv, t.target_year, t.target_id;
