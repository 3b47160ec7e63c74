-- One municipality by main sector and year, one column per sector.
SELECT
    year,
    territorial_tco2e,
    transport_tco2e,
    industry_tco2e,
    power_heat_tco2e,
    agriculture_tco2e,
    own_heating_tco2e,
    machinery_tco2e,
    product_use_tco2e,
    waste_tco2e,
    international_transport_tco2e,
    publication_id
FROM mart.emission_wide_by_sector
WHERE region_code = '0360' AND substance = 'ghg'
ORDER BY year
