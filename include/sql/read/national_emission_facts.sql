-- The total of the current inventory, all greenhouse gases.
SELECT
    year,
    emissions_tco2e
FROM mart_data.national_emission
WHERE facts_id = %(facts_id)s AND substance = 'ghg' AND sector_code = 'total'
