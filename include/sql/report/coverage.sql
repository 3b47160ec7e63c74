-- Reads how much of the gap members' measures cover, one row per own target of a member.
SELECT
    c.region_name,
    t.title_sv AS target_title_sv,
    t.title_en AS target_title_en,
    c.gap_tco2e,
    c.coverage_pct,
    c.coverage_reason,
    c.measure_count,
    c.without_effect_count,
    c.overlap,
    c.publication_id
FROM mart.measure_coverage AS c
INNER JOIN mart.region AS r ON c.region_code = r.region_code
INNER JOIN mart.target AS t ON c.target_id = t.target_id
INNER JOIN mart.member_overview AS o ON c.region_code = o.region_code AND o.member_kind = 'member'
WHERE c.sector_code = 'all'
ORDER BY r.sort_sv, c.target_year, c.target_id;
