-- Finds areas without inhabitants.
SELECT
    f.release_id,
    f.region_code,
    cast(NULL AS text) AS sector_code,
    f.year,
    f.sheet_row,
    cast(f.population_count AS double precision) AS found,
    cast(1 AS double precision) AS expected,
    cast(f.population_count AS double precision) AS measured,
    f.population_count < 1 AS is_finding
FROM core.fct_population AS f
WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
