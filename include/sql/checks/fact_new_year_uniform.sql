-- Measures the share of a new year's figures that lie where a copy of another year, times a factor, would put them.
-- The factor is that of the sum of all areas. Other years are those before it, and later ones that are not new.
-- Figures below ten say too little. Years with fewer than twenty figures are left out: a single total is always another
-- one times a factor.
WITH new_year AS MATERIALIZED (
    SELECT y.* FROM {new_years} AS y
),

year_pair AS (
    SELECT
        n.release_id,
        n.year,
        o.year AS other_year
    FROM new_year AS n
    INNER JOIN core.dim_release AS d ON n.release_id = d.release_id
    CROSS JOIN LATERAL unnest(d.years) AS o (year)
    WHERE
        o.year < n.year
        OR (
            o.year > n.year
            AND NOT EXISTS (
                SELECT 1
                FROM new_year AS x
                WHERE x.release_id = n.release_id AND x.year = o.year
            )
        )
),

compared AS (
    SELECT
        y.release_id,
        y.year,
        y.other_year,
        f.{value} AS amount,
        b.{value} AS other_amount,
        1.0 * sum(f.{value}) OVER w / sum(b.{value}) OVER w AS ratio
    FROM year_pair AS y
    INNER JOIN {rows} AS f ON y.release_id = f.release_id AND y.year = f.year
    INNER JOIN {rows} AS b ON y.release_id = b.release_id AND y.other_year = b.year AND {same_cell}
    WHERE
        f.run_id = :run_id
        AND b.run_id = :run_id
        AND f.{value} IS NOT NULL
        AND b.{value} >= 10
    WINDOW w AS (PARTITION BY y.release_id, y.year, y.other_year{group})
),

shares AS (
    SELECT
        c.release_id,
        c.year,
        c.other_year,
        1.0 * sum(c.amount) / sum(c.other_amount) AS ratio,
        100.0 * count(*) FILTER (
            WHERE
            abs(c.amount - c.other_amount * c.ratio)
            <= c.other_amount * c.ratio * :new_year_near_pct / 100.0 + :new_year_rounding
        ) / count(*) AS share_pct
    FROM compared AS c
    GROUP BY c.release_id, c.year, c.other_year
    HAVING count(*) >= 20
)

SELECT
    s.release_id,
    '00' AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(s.year AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(s.ratio AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(s.share_pct AS double precision) AS measured,
    'som/as ' || s.other_year || ', gånger det funna/times what was found' AS reason,
    s.share_pct > :new_year_uniform_pct AS is_finding
FROM shares AS s
