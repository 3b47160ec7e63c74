-- Reads the emissions without industry, electricity and district heating, where a single plant can decide.
SELECT
    s.region_code,
    s.year,
    s.emissions_tco2e - sum(e.emissions_tco2e) AS tco2e,
    s.status,
    s.publication_id
FROM mart.boundary_series AS s
INNER JOIN mart.region_overview AS o ON s.region_code = o.region_code AND 'one_plant' = any(o.flags)
INNER JOIN mart.emission AS e
    ON
        s.region_code = e.region_code
        AND s.year = e.year
        AND e.substance = 'ghg'
        AND e.sector_code IN ('industry', 'power_heat')
WHERE s.boundary = 'territorial' AND s.status = 'observed'
GROUP BY s.region_code, s.year, s.emissions_tco2e, s.status, s.publication_id
ORDER BY s.region_code, s.year;
