-- Reads the current population forecast, from which levels per inhabitant are calculated.
SELECT
    region_code,
    year,
    population_count
FROM mart_data.population_forecast
WHERE facts_id = %(facts_id)s
