-- Measures how many municipal sectors of a new year changed implausibly for their size the year before.
-- Implausible is more than three times or less than a third, per step of time. The number is compared with the share
-- that is plausible for the size class, or with a handful where the class is small. 100 is the limit.
WITH new_year AS MATERIALIZED (
    SELECT y.* FROM {new_years} AS y
),

size_class AS (
    SELECT
        c.from_t,
        c.share_pct,
        lead(c.from_t) OVER (ORDER BY c.from_t) AS below_t
    FROM
        unnest(
            cast(:new_year_class_from_t AS double precision[]),
            cast(:new_year_class_share_pct AS double precision[])
        ) AS c (from_t, share_pct)
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
        c.from_t,
        c.share_pct AS plausible_pct,
        'mot/against ' || y.year_before AS reason,
        f.{value} > b.{value} * power(:new_year_cell_ratio, y.steps)
        OR f.{value} < b.{value} / power(:new_year_cell_ratio, y.steps) AS is_odd
    FROM
        new_year AS y
    INNER JOIN {rows} AS f ON y.release_id = f.release_id AND y.year = f.year
    INNER JOIN {rows} AS b
        ON
            y.release_id = b.release_id
            AND y.year_before = b.year
            AND f.region_code = b.region_code
            AND f.sector_code = b.sector_code
    INNER JOIN size_class AS c ON b.{value} >= c.from_t AND (c.below_t IS NULL OR b.{value} < c.below_t)
    WHERE
        f.run_id = :run_id
        AND b.run_id = :run_id
        AND b.release_id = any(:release_ids)
        AND f.release_id = any(:release_ids)
        AND f.sector_code = {main_sectors}
        AND f.region_code = {municipalities}
),

counted AS (
    SELECT
        c.*,
        count(*) FILTER (WHERE c.is_odd) OVER w AS odd_count,
        greatest(:new_year_class_cells, c.plausible_pct / 100.0 * count(*) OVER w) AS plausible_count
    FROM compared AS c
    WINDOW w AS (PARTITION BY c.release_id, c.year, c.from_t)
)

SELECT
    s.release_id,
    s.region_code,
    s.sector_code,
    cast(s.year AS integer) AS year,
    s.sheet_row,
    s.found,
    s.expected,
    cast(100.0 * s.odd_count / s.plausible_count AS double precision) AS measured,
    s.reason,
    s.is_odd AND s.odd_count > s.plausible_count AS is_finding
FROM counted AS s
