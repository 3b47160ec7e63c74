-- Reads the territorial emissions of every area and year.
SELECT
    s.region_code,
    s.year,
    s.emissions_tco2e AS tco2e,
    s.status,
    s.publication_id
FROM mart.boundary_series AS s
WHERE s.boundary = 'territorial'
ORDER BY s.region_code, s.year;
