-- Reads the key figures of the current release, to compare other sources with them.
SELECT
    indicator_code,
    region_code,
    year,
    indicator_value
FROM mart_data.indicator
WHERE facts_id = %(facts_id)s
