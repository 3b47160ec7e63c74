-- Finds totals, and large main sectors of the nation, that are zero in a new year and were not the year before.
WITH new_year AS MATERIALIZED (
    SELECT y.* FROM {new_years} AS y
),

wanted AS MATERIALIZED (
    SELECT
        f.release_id,
        f.region_code,
        f.sector_code,
        f.year,
        f.sheet_row,
        f.{value} AS amount
    FROM {rows} AS f
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND (
            f.sector_code = 'all'
            OR (
                f.region_code = '00'
                AND f.sector_code = {main_sectors}
            )
        )
)

SELECT
    y.release_id,
    f.region_code,
    f.sector_code,
    cast(y.year AS integer) AS year,
    f.sheet_row,
    f.amount AS found,
    b.amount AS expected,
    cast(NULL AS double precision) AS measured,
    'mot/against ' || y.year_before AS reason,
    f.amount = 0 AS is_finding
FROM new_year AS y
INNER JOIN wanted AS f ON y.release_id = f.release_id AND y.year = f.year
INNER JOIN wanted AS b
    ON
        y.release_id = b.release_id
        AND y.year_before = b.year
        AND f.region_code = b.region_code
        AND f.sector_code = b.sector_code
INNER JOIN wanted AS t
    ON
        y.release_id = t.release_id
        AND y.year_before = t.year
        AND t.region_code = '00'
        AND t.sector_code = 'all'
WHERE
    b.amount > 0
    AND (f.sector_code = 'all' OR b.amount >= :new_year_sector_floor_pct / 100.0 * t.amount)
