-- Measures the share of a new year's municipal sectors that lie where a copy of another year would put them.
-- The copy is multiplied by the change of the sector's sum, so a copy and a common factor are both found. The new year
-- is compared with every year before it, every year that is not new, and every year of the release before.
WITH new_year AS MATERIALIZED (
    SELECT y.* FROM {new_years} AS y
),

cell AS MATERIALIZED (
    SELECT
        f.release_id,
        f.year,
        f.region_code,
        f.sector_code,
        f.{value} AS amount
    FROM {rows} AS f
    WHERE
        (
            (f.run_id = :run_id AND f.release_id = any(:release_ids))
            OR (
                f.run_id = any(cast(:earlier_run_ids AS bigint[]))
                AND f.release_id = any(cast(:earlier_release_ids AS text[]))
            )
        )
        AND f.sector_code = {main_sectors}
        AND f.region_code = {municipalities}
),

-- A year as two lists, its figures and the sum of each one's sector: a pair of years is then one comparison of lists,
-- not a join of cells whose number the planner cannot tell. Every release has every cell; the hard gates see to it.
profile AS MATERIALIZED (
    SELECT
        x.release_id,
        x.year,
        array_agg(x.amount ORDER BY x.sector_code, x.region_code) AS amounts,
        array_agg(x.sector_amount ORDER BY x.sector_code, x.region_code) AS sector_amounts,
        sum(x.amount) AS whole
    FROM (
        SELECT
            c.release_id,
            c.year,
            c.region_code,
            c.sector_code,
            c.amount,
            sum(c.amount) OVER (PARTITION BY c.release_id, c.year, c.sector_code) AS sector_amount
        FROM cell AS c
    ) AS x
    GROUP BY x.release_id, x.year
),

year_pair AS (
    SELECT
        n.release_id,
        n.year,
        n.release_id AS other_release_id,
        o.year AS other_year
    FROM new_year AS n
    INNER JOIN profile AS o ON n.release_id = o.release_id
    WHERE
        o.year < n.year
        OR (
            o.year > n.year
            AND NOT EXISTS (
                SELECT 1
                FROM new_year AS x
                WHERE x.release_id = o.release_id AND x.year = o.year
            )
        )
    UNION ALL
    SELECT
        n.release_id,
        n.year,
        p.earlier_release_id AS other_release_id,
        o.year AS other_year
    FROM new_year AS n
    INNER JOIN
        unnest(
            cast(:compared_release_ids AS text[]), cast(:earlier_release_ids AS text[])
        ) AS p (release_id, earlier_release_id)
        ON n.release_id = p.release_id
    INNER JOIN profile AS o ON p.earlier_release_id = o.release_id
),

shares AS (
    SELECT
        y.release_id,
        y.year,
        y.other_year,
        f.whole / nullif(o.whole, 0) AS ratio,
        (
            SELECT
                100.0 * count(*) FILTER (
                    WHERE
                    abs(u.amount - u.other_amount * u.sector_amount / nullif(u.other_sector_amount, 0))
                    <= u.other_amount * u.sector_amount / nullif(u.other_sector_amount, 0)
                    * :new_year_near_pct / 100.0 + :new_year_rounding_t
                ) / nullif(count(*), 0)
            FROM
                unnest(f.amounts, o.amounts, f.sector_amounts, o.sector_amounts)
                    AS u (amount, other_amount, sector_amount, other_sector_amount)
            WHERE u.amount > 0 OR u.other_amount > 0
        ) AS share_pct
    FROM year_pair AS y
    INNER JOIN profile AS f ON y.release_id = f.release_id AND y.year = f.year
    INNER JOIN profile AS o ON y.other_release_id = o.release_id AND y.other_year = o.year
)

SELECT
    s.release_id,
    '00' AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(s.year AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    s.ratio AS found,
    cast(NULL AS double precision) AS expected,
    cast(s.share_pct AS double precision) AS measured,
    'som/as ' || s.other_year || ', gånger det funna/times what was found' AS reason,
    s.share_pct > :new_year_uniform_pct AS is_finding
FROM shares AS s
