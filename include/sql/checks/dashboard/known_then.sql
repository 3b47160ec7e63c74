-- What was known of one municipality's total on a day.
SELECT
    year,
    emissions_tco2e,
    status,
    release_id,
    publication_id
FROM mart.emission_as_of('2026-06-30', 'ghg', '0360')
WHERE sector_code = 'all'
ORDER BY year
