-- The current forecast: what a level per inhabitant is reckoned with.
SELECT
    region_code,
    year,
    population_count
FROM mart_data.population_forecast
WHERE facts_id = %(facts_id)s
