-- Own targets of one member or applicant, with what its measures cover of the gap.
SELECT
    t.target_id AS target,
    t.boundary,
    t.target_year AS year,
    t.status,
    t.variants_met || ' of ' || t.variants_n AS ways,
    round(w.independent_n::numeric, 1) AS independent_ways,
    round(t.observed_gap_tco2e)::bigint AS gap_t,
    round(c.counted_reduction_tco2e)::bigint AS measures_t,
    round(c.coverage_pct::numeric, 1) AS coverage_pct,
    c.reason_en AS no_coverage_because
FROM mart.target_progress AS t
LEFT JOIN mart.measure_coverage AS c
    ON t.region_code = c.region_code AND t.target_id = c.target_id AND c.sector_code = 'all'
LEFT JOIN mart.variant_worth AS w ON w.target_id = 'national_2030_55'
WHERE t.region_code = %(region_code)s AND t.is_own_target
ORDER BY t.target_year, t.target_id
