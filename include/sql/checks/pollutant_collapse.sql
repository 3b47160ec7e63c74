-- A municipality's main sector that falls almost to nothing between large years: below some percent of the
-- smaller of its two neighbours in time, where both are large against the nation's total of the year. The last
-- year has one neighbour, the year before it; the first year cannot have fallen.
WITH neighbours AS (
    SELECT
        f.release_id,
        f.region_code,
        f.sector_code,
        f.year,
        f.sheet_row,
        f.{value} AS found,
        lag(f.{value}) OVER w AS t_before,
        lead(f.{value}) OVER w AS t_after
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND r.level = 'municipality'
        AND s.is_main
    WINDOW w AS (PARTITION BY f.release_id, f.sector_code, f.region_code ORDER BY f.year)
),

nation AS (
    SELECT
        f.release_id,
        f.year,
        f.{value} * :collapse_from_ppm / 1e6 AS large_t
    FROM {rows} AS f
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND f.region_code = '00'
        AND f.sector_code = 'all'
)

SELECT
    n.release_id,
    n.region_code,
    n.sector_code,
    n.year,
    n.sheet_row,
    n.found,
    least(n.t_before, n.t_after) AS expected,
    100 * n.found / least(n.t_before, n.t_after) AS measured,
    n.found < least(n.t_before, n.t_after) * :advisory_collapse_to_pct / 100 AS is_finding
FROM neighbours AS n
INNER JOIN nation AS x ON n.release_id = x.release_id AND n.year = x.year
WHERE n.t_before > x.large_t AND coalesce(n.t_after, n.t_before) > x.large_t
