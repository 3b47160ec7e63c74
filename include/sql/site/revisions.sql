-- Reads what the current release changed in the territorial total of every area.
SELECT
    v.region_code,
    v.year,
    v.old_emissions_tco2e AS old_tco2e,
    v.new_emissions_tco2e AS new_tco2e,
    v.from_published_date,
    v.to_published_date,
    v.publication_id
FROM mart.revision AS v
WHERE
    v.is_current
    AND v.substance = 'ghg'
    AND v.boundary = 'territorial'
    AND v.sector_code = 'all'
    AND v.change = 'revised'
ORDER BY v.region_code, v.year;
