-- Measures the gap between a whole and the sum of its parts, beyond what rounding explains.
-- Rounding explains half of the finest step that municipal figures are published in, for the whole and for each part.
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
        {whole_region} AS region_code,
        {whole_sector} AS sector_code,
        f.year,
        sum(f.{value}) AS sum_t,
        count(*) AS part_count
    FROM {rows} AS f
    LEFT JOIN core.dim_region AS r ON f.region_code = r.region_code
    LEFT JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND {parts}
    GROUP BY f.release_id, {whole_region}, {whole_sector}, f.year
),

compared AS (
    SELECT
        t.release_id,
        t.region_code,
        t.sector_code,
        t.year,
        t.sheet_row,
        t.{value} AS whole_t,
        p.sum_t,
        {compared_with} AS compared_with_t,
        greatest(0, {gap} - (p.part_count + 1) / 2.0 * x.step_t) AS excess_t
    FROM {rows} AS t
    INNER JOIN parts AS p
        ON
            t.release_id = p.release_id
            AND t.region_code = p.region_code
            AND t.sector_code = p.sector_code
            AND t.year = p.year
    LEFT JOIN nation AS n ON t.release_id = n.release_id AND t.year = n.year
    INNER JOIN step AS x ON t.release_id = x.release_id
    WHERE t.run_id = :run_id AND t.release_id = any(:release_ids) AND {compared_with} IS NOT NULL
)

SELECT
    c.release_id,
    c.region_code,
    c.sector_code,
    c.year,
    c.sheet_row,
    c.{found} AS found,
    c.{expected} AS expected,
    CASE
        WHEN c.excess_t > 0 THEN coalesce({per} * c.excess_t / nullif(c.compared_with_t, 0), {per})
        ELSE 0
    END AS measured,
    c.excess_t > c.compared_with_t * {limit_value} / {per} AS is_finding
FROM compared AS c
