-- Sub-sectors above their sector, beyond what rounding explains (half of the finest step that municipal figures
-- are published in, for the sector and for each of its parts), in percent of the sector. Below it they may stay:
-- not every sub-sector is published.
WITH step AS (
    SELECT
        f.release_id,
        cast(power(10.0, -max(scale(trim_scale(cast(f.{value} AS numeric))))) AS double precision) AS step_t
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND r.level = 'municipality'
    GROUP BY f.release_id
),

parts AS (
    SELECT
        f.release_id,
        f.region_code,
        s.parent_sector_code,
        f.year,
        sum(f.{value}) AS sum_t,
        count(*) AS part_count
    FROM {rows} AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND s.parent_sector_code <> 'all'
    GROUP BY f.release_id, f.region_code, s.parent_sector_code, f.year
),

compared AS (
    SELECT
        m.release_id,
        m.region_code,
        m.sector_code,
        m.year,
        m.sheet_row,
        p.sum_t AS found,
        m.{value} AS expected,
        greatest(0, p.sum_t - m.{value} - (p.part_count + 1) / 2.0 * x.step_t) AS excess_t
    FROM {rows} AS m
    INNER JOIN parts AS p
        ON
            m.release_id = p.release_id
            AND m.region_code = p.region_code
            AND m.sector_code = p.parent_sector_code
            AND m.year = p.year
    INNER JOIN step AS x ON m.release_id = x.release_id
    WHERE m.run_id = :run_id AND m.release_id = any(:release_ids)
)

SELECT
    c.release_id,
    c.region_code,
    c.sector_code,
    c.year,
    c.sheet_row,
    c.found,
    c.expected,
    CASE WHEN c.excess_t > 0 THEN coalesce(100 * c.excess_t / nullif(c.expected, 0), 100) ELSE 0 END AS measured,
    c.excess_t > c.expected * :advisory_subsector_excess_pct / 100 AS is_finding
FROM compared AS c
