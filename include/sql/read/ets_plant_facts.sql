-- Reads current verified emissions of plants; a plant excluded from trading has none in it.
SELECT
    installation_id,
    year,
    coalesce(verified_tco2e, 0) AS verified_tco2e
FROM mart_data.ets_plant
WHERE facts_id = %(facts_id)s
