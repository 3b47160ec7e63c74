-- Compares one municipality with the national lines; this is never a status of its own.
SELECT
    target_id,
    boundary,
    target_year,
    level_tco2e,
    last_year,
    last_tco2e,
    variants_met,
    variants_n,
    gap_tco2e,
    required_annual_reduction_rate,
    achieved_annual_reduction_rate,
    achieved_from_year,
    annual_reduction_since_2015,
    flags,
    publication_id
FROM mart.target_progress
WHERE region_code = '0360' AND NOT is_own_target
ORDER BY target_id
