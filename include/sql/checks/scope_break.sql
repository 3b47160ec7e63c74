-- Finds main sectors that are zero everywhere up to some year and not after it: their scope changed.
-- Totals before and after that year are not comparable. Shown on the nation's row.
WITH yearly AS (
    SELECT
        f.release_id,
        f.sector_code,
        f.year,
        max(f.{value}) AS largest
    FROM {rows} AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND s.is_main
    GROUP BY f.release_id, f.sector_code, f.year
),

span AS (
    SELECT
        y.release_id,
        y.sector_code,
        min(y.year) AS first_year,
        min(y.year) FILTER (WHERE y.largest > 0) AS first_used_year
    FROM yearly AS y
    GROUP BY y.release_id, y.sector_code
)

SELECT
    n.release_id,
    n.region_code,
    n.sector_code,
    n.year,
    n.sheet_row,
    n.{value} AS found,
    cast(0 AS double precision) AS expected,
    n.{value} AS measured,
    TRUE AS is_finding
FROM span AS s
INNER JOIN {rows} AS n
    ON s.release_id = n.release_id AND s.sector_code = n.sector_code AND s.first_used_year = n.year
WHERE
    n.run_id = :run_id
    AND n.release_id = any(:release_ids)
    AND n.region_code = '00'
    AND s.first_used_year > s.first_year
