-- Finds a municipality's main sector that falls almost to nothing between two large years.
-- Measured is the value in percent of the smaller of its neighbours in time. The last year has one neighbour, the year
-- before it; the first year cannot have fallen. What stays low afterwards is a closure, not a finding.
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
    -- Lists instead of joins, and the window in the order of the key: nothing needs to be sorted.
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND f.region_code = {municipalities}
        AND f.sector_code = {main_sectors}
    WINDOW w AS (PARTITION BY f.release_id, f.substance, f.region_code, f.sector_code ORDER BY f.year)
),

nation AS (
    SELECT
        f.release_id,
        f.year,
        f.{value} AS total_t
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
LEFT JOIN nation AS x ON n.release_id = x.release_id AND n.year = x.year
WHERE n.t_before > {large_t} AND coalesce(n.t_after, n.t_before) > {large_t}
