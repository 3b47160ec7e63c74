-- Measures how much some totals of a new year changed, in percent of the smaller value and per step of time.
WITH new_year AS MATERIALIZED (
    SELECT y.* FROM {new_years} AS y
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
    > {limit_value} AS is_finding
FROM new_year AS y
INNER JOIN {rows} AS f ON y.release_id = f.release_id AND y.year = f.year
INNER JOIN {rows} AS b ON y.release_id = b.release_id AND y.year_before = b.year AND {same_cell}
WHERE
    f.run_id = :run_id
    AND b.run_id = :run_id
    AND f.{value} > 0
    AND b.{value} > 0
    AND {cells}
