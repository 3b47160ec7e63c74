-- Compares the sum of the municipalities' population with the nation's figure, for some years.
WITH parts AS (
    SELECT
        f.release_id,
        f.year,
        sum(f.population_count) AS population_count
    FROM core.fct_population AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND r.level = 'municipality'
    GROUP BY f.release_id, f.year
)

SELECT
    n.release_id,
    n.region_code,
    cast(NULL AS text) AS sector_code,
    n.year,
    n.sheet_row,
    cast(n.population_count AS double precision) AS found,
    cast(p.population_count AS double precision) AS expected,
    cast({measured} AS double precision) AS measured,
    {is_finding} AS is_finding
FROM core.fct_population AS n
INNER JOIN parts AS p ON n.release_id = p.release_id AND n.year = p.year
WHERE n.run_id = :run_id AND n.release_id = any(:release_ids) AND n.region_code = '00' AND {years}
