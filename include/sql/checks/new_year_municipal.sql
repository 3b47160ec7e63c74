-- Share of the municipal totals of a new year that are unlike the year before: their ratio, either way, is greater
-- than plausible for one step of time. What is zero now counts.
WITH new_year AS MATERIALIZED (
    SELECT
        y.release_id,
        y.year,
        y.year_before,
        y.steps
    FROM
        ops.new_years(
            :release_ids,
            cast(:compared_release_ids AS text[]),
            cast(:earlier_release_ids AS text[]),
            :every_year = 1
        ) AS y
),

compared AS (
    SELECT
        y.release_id,
        f.region_code,
        f.sector_code,
        y.year,
        f.sheet_row,
        f.{value} AS found,
        b.{value} AS expected,
        'mot/against ' || y.year_before AS reason,
        f.{value} > b.{value} * power(:new_year_ratio, y.steps)
        OR f.{value} < b.{value} / power(:new_year_ratio, y.steps) AS is_odd
    FROM
        new_year AS y
    INNER JOIN {rows} AS f ON y.release_id = f.release_id AND y.year = f.year
    INNER JOIN {rows} AS b
        ON
            y.release_id = b.release_id
            AND y.year_before = b.year
            AND f.region_code = b.region_code
            AND f.sector_code = b.sector_code
    WHERE
        f.run_id = :run_id
        AND b.run_id = :run_id
        AND b.{value} > 0
        AND f.sector_code = 'all'
        AND f.region_code = any(
            array(
                SELECT r.region_code
                FROM core.dim_region AS r
                WHERE r.level = 'municipality'
            )
        )
),

shared AS (
    SELECT
        c.*,
        100.0 * count(*) FILTER (WHERE c.is_odd) OVER w / count(*) OVER w AS share_pct
    FROM compared AS c
    WINDOW w AS (PARTITION BY c.release_id, c.year)
)

SELECT
    s.release_id,
    s.region_code,
    s.sector_code,
    cast(s.year AS integer) AS year,
    s.sheet_row,
    s.found,
    s.expected,
    cast(s.share_pct AS double precision) AS measured,
    s.reason,
    s.is_odd AND s.share_pct > :new_year_share_pct AS is_finding
FROM shared AS s
