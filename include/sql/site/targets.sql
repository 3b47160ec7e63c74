-- Reads the own targets in force of every area, in the owner's words; national lines are on no page.
SELECT
    t.region_code,
    t.target_id,
    g.title_sv,
    g.title_en,
    g.target_type,
    g.decided_on,
    g.decided_by,
    g.document_url,
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
    t.required_reduction_t_per_year,
    t.achieved_annual_reduction_rate,
    t.achieved_from_year,
    t.annual_reduction_since_2015,
    t.path_start_year,
    CASE WHEN t.path_start_year = t.base_year THEN t.base_tco2e ELSE g.path_start_tco2e END AS path_start_tco2e,
    t.data_lag_months,
    t.expected_month,
    t.budget_runs_out_year,
    t.record_verdicts_n,
    t.record_came_true_n,
    t.flags,
    t.publication_id
FROM mart.target_progress AS t
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
ORDER BY t.region_code, t.target_year, t.target_id;
