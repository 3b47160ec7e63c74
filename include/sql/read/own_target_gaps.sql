-- Members' own targets with the observed gap, as the results of a publication have them.
SELECT
    region_code,
    target_id,
    boundary,
    last_year,
    target_year,
    observed_gap_tco2e
FROM mart_data.target_progress
WHERE publication_id = %(results_id)s AND is_own_target AND target_state = 'decided'
ORDER BY region_code, target_id
