-- Reads the emissions without the plants where one can decide.
-- That is the boundary that the page leads with; where it leads with all, those without the plants' sectors.
SELECT
    s.region_code,
    s.year,
    s.emissions_tco2e AS tco2e,
    s.status,
    s.publication_id
FROM mart.boundary_series AS s
INNER JOIN mart.region_overview AS o ON s.region_code = o.region_code AND s.boundary = o.leads_with
WHERE o.leads_with != 'territorial' AND s.emissions_tco2e IS NOT NULL
UNION ALL
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
WHERE s.boundary = o.leads_with AND s.boundary = 'territorial' AND s.status = 'observed'
GROUP BY s.region_code, s.year, s.emissions_tco2e, s.status, s.publication_id
ORDER BY region_code, year;
