-- The municipalities of a county add up to the county, for every sector, sub-sector and year, but for what
-- rounding explains: half of the finest step that municipal figures are published in, for the county and for each
-- municipality. What is beyond that is weighed against the nation's total of the year.
WITH step AS (
    SELECT
        f.release_id,
        cast(power(10.0, -max(scale(trim_scale(cast(f.{value} AS numeric))))) AS double precision) AS step_t
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND r.level = 'municipality'
    GROUP BY f.release_id
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
),

parts AS (
    SELECT
        f.release_id,
        r.county_code,
        f.sector_code,
        f.year,
        sum(f.{value}) AS sum_t,
        count(*) AS part_count
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND r.level = 'municipality'
    GROUP BY f.release_id, r.county_code, f.sector_code, f.year
),

compared AS (
    SELECT
        t.release_id,
        t.region_code,
        t.sector_code,
        t.year,
        t.sheet_row,
        t.{value} AS found,
        p.sum_t AS expected,
        greatest(0, abs(t.{value} - p.sum_t) - (p.part_count + 1) / 2.0 * x.step_t) AS excess_t,
        n.total_t
    FROM {rows} AS t
    INNER JOIN parts AS p
        ON
            t.release_id = p.release_id
            AND t.region_code = p.county_code
            AND t.sector_code = p.sector_code
            AND t.year = p.year
    INNER JOIN nation AS n ON t.release_id = n.release_id AND t.year = n.year
    INNER JOIN step AS x ON t.release_id = x.release_id
    WHERE t.run_id = :run_id AND t.release_id = any(:release_ids)
)

SELECT
    c.release_id,
    c.region_code,
    c.sector_code,
    c.year,
    c.sheet_row,
    c.found,
    c.expected,
    CASE WHEN c.excess_t > 0 THEN coalesce(1e6 * c.excess_t / nullif(c.total_t, 0), 1e6) ELSE 0 END AS measured,
    c.excess_t > c.total_t * :sum_ppm / 1e6 AS is_finding
FROM compared AS c
