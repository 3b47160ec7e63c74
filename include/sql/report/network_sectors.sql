-- Sums the sectors of today's member municipalities in the two newest years, for the digest.
-- The same members as in the network's sums; international transport is in none of the sectors.
SELECT
    e.sector_code,
    e.year,
    sum(e.emissions_tco2e) AS emissions_tco2e,
    count(*) AS region_count,
    e.publication_id
FROM mart.emission AS e
INNER JOIN mart.member AS m ON e.region_code = m.region_code
INNER JOIN mart.publication AS p ON m.publication_id = p.publication_id
INNER JOIN mart.sector AS s ON e.sector_code = s.sector_code
WHERE
    e.substance = 'ghg'
    AND s.is_main
    AND s.sector_code NOT IN ('all', 'international_transport')
    AND m.level = 'municipality'
    AND m.confirmed
    AND (m.left_on IS NULL OR m.left_on > p.as_of_date)
    AND e.year IN (
        SELECT y.year
        FROM mart.release AS r
        CROSS JOIN LATERAL unnest(r.years) AS y (year)
        WHERE r.dataset = 'smhi_emissions' AND r.substance = 'ghg' AND r.is_current
        ORDER BY y.year DESC
        LIMIT 2
    )
GROUP BY e.sector_code, e.year, e.publication_id
ORDER BY e.sector_code, e.year;
