-- Compares the nine main sectors with the published total, for every area and year.
WITH parts AS (
    SELECT
        f.release_id,
        f.region_code,
        f.year,
        sum(f.emissions) AS emissions
    FROM core.fct_emission AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND s.is_main
    GROUP BY f.release_id, f.region_code, f.year
)

SELECT
    t.release_id,
    t.region_code,
    t.sector_code,
    t.year,
    t.sheet_row,
    t.emissions AS found,
    p.emissions AS expected,
    abs(t.emissions - p.emissions) AS measured,
    abs(t.emissions - p.emissions) > :sector_sum_t AS is_finding
FROM core.fct_emission AS t
INNER JOIN parts AS p ON t.release_id = p.release_id AND t.region_code = p.region_code AND t.year = p.year
WHERE t.run_id = :run_id AND t.release_id = any(:release_ids) AND t.sector_code = 'all'
