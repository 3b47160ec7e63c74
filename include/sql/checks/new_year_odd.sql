-- Measures the share of a new year's figures whose ratio to the year before is implausible for one step of time.
-- Totals are compared where a fact has some. Figures below a floor are left out; what is zero now counts.
WITH new_year AS MATERIALIZED (
    SELECT y.* FROM {new_years} AS y
),

compared AS (
    SELECT
        y.release_id,
        {region_code} AS region_code,
        {sector_code} AS sector_code,
        y.year,
        f.sheet_row,
        f.{value} AS found,
        b.{value} AS expected,
        'mot/against ' || y.year_before AS reason,
        f.{value} > b.{value} * power(:new_year_ratio, y.steps)
        OR f.{value} < b.{value} / power(:new_year_ratio, y.steps) AS is_odd
    FROM new_year AS y
    INNER JOIN {rows} AS f ON y.release_id = f.release_id AND y.year = f.year
    INNER JOIN {rows} AS b ON y.release_id = b.release_id AND y.year_before = b.year AND {same_cell}
    WHERE
        f.run_id = :run_id
        AND b.run_id = :run_id
        AND b.{value} > 0
        AND b.{value} >= :new_year_floor
        AND {cells}
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
    cast(s.found AS double precision) AS found,
    cast(s.expected AS double precision) AS expected,
    cast(s.share_pct AS double precision) AS measured,
    s.reason,
    s.is_odd AND s.share_pct > :new_year_share_pct AS is_finding
FROM shared AS s
