-- The members' emissions by main sector and year: sums of tonnes, which may be added; shares follow from them.
SELECT
    e.year,
    e.sector_code,
    e.sector_name_sv,
    s.sort_order,
    s.national_quality,
    s.geographic_quality,
    s.quality_reason,
    sum(e.emissions_tco2e) AS emissions_tco2e,
    count(*) AS municipalities,
    min(e.publication_id) AS publication_id
FROM mart.emission AS e
INNER JOIN mart.sector AS s ON e.sector_code = s.sector_code
INNER JOIN mart.region_overview AS m ON e.region_code = m.region_code AND m.is_member
WHERE
    e.substance = 'ghg'
    AND e.level = 'municipality'
    -- As an array the sectors are looked up in the index; as a join, all sub-sectors would be read beside them.
    AND e.sector_code = any(array(
        SELECT x.sector_code FROM mart.sector AS x
        WHERE x.is_main
    ))
GROUP BY
    e.year, e.sector_code, e.sector_name_sv, s.sort_order, s.national_quality, s.geographic_quality, s.quality_reason
ORDER BY e.year, s.sort_order
