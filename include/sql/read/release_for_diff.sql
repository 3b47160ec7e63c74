-- Reads the emissions of one release, cell by cell.
SELECT
    region_code,
    sector_code,
    year,
    emissions_tco2e
FROM mart.emission_by_release
WHERE release_id = %(release_id)s
