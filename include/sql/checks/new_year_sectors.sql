-- The nation's main sectors in a new year against the year before, in percent of the smaller one and per step of time.
-- Sectors below a share of the nation's total are left out.
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
)

SELECT
    y.release_id,
    f.region_code,
    f.sector_code,
    cast(y.year AS integer) AS year,
    f.sheet_row,
    f.{value} AS found,
    b.{value} AS expected,
    100.0 * (power(greatest(f.{value} / b.{value}, b.{value} / f.{value}), 1.0 / y.steps) - 1) AS measured,
    'mot/against ' || y.year_before AS reason,
    100.0 * (power(greatest(f.{value} / b.{value}, b.{value} / f.{value}), 1.0 / y.steps) - 1)
    > :new_year_sectors_pct AS is_finding
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
    AND f.{value} > 0
    AND b.{value} > 0
    AND f.region_code = '00'
    AND f.sector_code = any(
        array(
            SELECT s.sector_code
            FROM core.dim_sector AS s
            WHERE s.is_main
        )
    )
    AND b.{value} >= :new_year_sector_floor_pct / 100.0 * (
        SELECT t.{value}
        FROM {rows} AS t
        WHERE
            t.run_id = :run_id
            AND t.release_id = b.release_id
            AND t.region_code = '00'
            AND t.sector_code = 'all'
            AND t.year = b.year
    )
