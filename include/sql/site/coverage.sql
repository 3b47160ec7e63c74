-- Reads how much of the gap to each own target the owner's measures cover.
SELECT
    c.region_code,
    c.target_id,
    c.gap_tco2e,
    c.counted_reduction_tco2e,
    c.coverage_pct,
    c.coverage_reason,
    c.measure_count,
    c.without_effect_count,
    c.overlap,
    c.publication_id
FROM mart.measure_coverage AS c
WHERE c.sector_code = 'all'
ORDER BY c.region_code, c.target_id;
