-- Reads the current population.
SELECT
    region_code,
    year,
    population_count
FROM mart_data.population
WHERE facts_id = %(facts_id)s
