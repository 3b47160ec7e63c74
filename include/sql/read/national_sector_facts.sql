-- Reads the current inventory by sector, all greenhouse gases, which the nowcast applies to municipalities.
SELECT
    sector_code,
    year,
    emissions_tco2e
FROM mart_data.national_emission
WHERE facts_id = %(facts_id)s AND substance = 'ghg' AND sector_code NOT LIKE 'total%%'
