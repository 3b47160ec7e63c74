-- Reads members' own targets; national lines appear in no mail.
SELECT
    r.region_name,
    t.target_id,
    t.boundary,
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
WHERE t.is_own_target
ORDER BY r.sort_sv, t.target_year, t.target_id;
