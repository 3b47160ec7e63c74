-- One municipality over the years, on every boundary.
SELECT
    year,
    boundary,
    emissions_tco2e,
    status,
    flags,
    publication_id
FROM mart.boundary_series
WHERE region_code = '0360'
ORDER BY boundary, year
