-- The counties have no more than the nation, but for what rounding explains: half of the finest step that
-- municipal figures are published in, for the nation and for each county. What is beyond that is weighed against
-- the nation's total of the year. What the nation has beyond its counties is the unallocated part.
WITH step AS (
    SELECT
        f.release_id,
        cast(power(10.0, -max(scale(trim_scale(cast(f.{value} AS numeric))))) AS double precision) AS step_t
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND r.level = 'municipality'
    GROUP BY f.release_id
),

counties AS (
    SELECT
        f.release_id,
        f.year,
        sum(f.{value}) AS sum_t,
        count(*) AS part_count
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND r.level = 'county'
        AND f.sector_code = 'all'
    GROUP BY f.release_id, f.year
),

compared AS (
    SELECT
        n.release_id,
        n.region_code,
        n.sector_code,
        n.year,
        n.sheet_row,
        n.{value} AS found,
        c.sum_t AS expected,
        greatest(0, c.sum_t - n.{value} - (c.part_count + 1) / 2.0 * x.step_t) AS excess_t
    FROM {rows} AS n
    INNER JOIN counties AS c ON n.release_id = c.release_id AND n.year = c.year
    INNER JOIN step AS x ON n.release_id = x.release_id
    WHERE
        n.run_id = :run_id
        AND n.release_id = any(:release_ids)
        AND n.region_code = '00'
        AND n.sector_code = 'all'
)

SELECT
    c.release_id,
    c.region_code,
    c.sector_code,
    c.year,
    c.sheet_row,
    c.found,
    c.expected,
    CASE WHEN c.excess_t > 0 THEN coalesce(1e6 * c.excess_t / nullif(c.found, 0), 1e6) ELSE 0 END AS measured,
    c.excess_t > c.found * :sum_ppm / 1e6 AS is_finding
FROM compared AS c
