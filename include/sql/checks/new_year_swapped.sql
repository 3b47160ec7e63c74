-- Finds two municipalities that changed places: each has the other's figures of the year before, not its own.
-- A new year is compared with the year before it; the newest year that the earlier release also has, with that release.
-- The distance of two years is the sum of the differences over the sum of both. Measured is how far the two are from
-- each other's figures, in percent of how far they are from their own. Only those far from their own are compared.
WITH new_year AS MATERIALIZED (
    SELECT y.* FROM {new_years} AS y
),

year_pair AS (
    SELECT
        n.release_id,
        n.year,
        n.release_id AS other_release_id,
        n.year_before AS other_year
    FROM new_year AS n
    UNION ALL
    SELECT
        p.release_id,
        max(x.year) AS year,
        p.earlier_release_id AS other_release_id,
        max(x.year) AS other_year
    FROM
        unnest(
            cast(:compared_release_ids AS text[]), cast(:earlier_release_ids AS text[])
        ) AS p (release_id, earlier_release_id)
    INNER JOIN core.dim_release AS d ON p.release_id = d.release_id
    INNER JOIN core.dim_release AS e ON p.earlier_release_id = e.release_id
    CROSS JOIN LATERAL unnest(d.years) AS x (year)
    WHERE p.release_id = any(:release_ids) AND x.year = any(e.years)
    GROUP BY p.release_id, p.earlier_release_id
),

cell AS MATERIALIZED (
    SELECT
        f.release_id,
        f.year,
        f.region_code,
        concat_ws('/', ''{group}) AS cell_name,
        cast(f.{value} AS double precision) AS amount
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code AND r.level = 'municipality'
    WHERE
        (
            (f.run_id = :run_id AND f.release_id = any(:release_ids))
            OR (
                f.run_id = any(cast(:earlier_run_ids AS bigint[]))
                AND f.release_id = any(cast(:earlier_release_ids AS text[]))
            )
        )
        AND {profile_cells}
        AND f.{value} IS NOT NULL
        AND f.year IN (
            SELECT y.year FROM year_pair AS y
            UNION
            SELECT y.other_year FROM year_pair AS y
        )
),

cell_name AS (
    SELECT
        x.name,
        row_number() OVER (ORDER BY x.name) AS place
    FROM (SELECT DISTINCT z.cell_name AS name FROM cell AS z) AS x
),

profile AS MATERIALIZED (
    SELECT
        a.release_id,
        a.year,
        a.region_code,
        array_agg(coalesce(c.amount, 0) ORDER BY n.place) AS amounts,
        coalesce(sum(c.amount), 0) AS whole
    FROM (
        SELECT DISTINCT
            z.release_id,
            z.year,
            z.region_code
        FROM cell AS z
    ) AS a
    CROSS JOIN cell_name AS n
    LEFT JOIN cell AS c
        ON
            a.release_id = c.release_id
            AND a.year = c.year
            AND a.region_code = c.region_code
            AND n.name = c.cell_name
    GROUP BY a.release_id, a.year, a.region_code
),

own AS MATERIALIZED (
    SELECT
        y.release_id,
        y.year,
        y.other_release_id,
        y.other_year,
        f.region_code,
        f.amounts,
        f.whole,
        o.amounts AS other_amounts,
        o.whole AS other_whole,
        d.gap / (f.whole + o.whole) AS distance
    FROM year_pair AS y
    INNER JOIN profile AS f ON y.release_id = f.release_id AND y.year = f.year
    INNER JOIN profile AS o
        ON y.other_release_id = o.release_id AND y.other_year = o.year AND f.region_code = o.region_code
    CROSS JOIN
        LATERAL (
            SELECT sum(abs(u.here - u.there)) AS gap
            FROM unnest(f.amounts, o.amounts) AS u (here, there)
        ) AS d
    WHERE f.whole > 0 AND o.whole > 0 AND d.gap > :new_year_far_pct / 100.0 * (f.whole + o.whole)
),

-- No two profiles are nearer than their totals, so most pairs need no comparison of their parts.
crossed AS MATERIALIZED (
    SELECT
        a.release_id,
        a.year,
        a.other_year,
        a.region_code,
        b.region_code AS other_region_code,
        a.amounts,
        a.whole,
        b.amounts AS amounts_of_other,
        b.whole AS whole_of_other,
        a.other_amounts,
        a.other_whole,
        b.other_amounts AS other_amounts_of_other,
        b.other_whole AS other_whole_of_other,
        least(a.distance, b.distance) AS distance
    FROM own AS a
    INNER JOIN own AS b
        ON
            a.release_id = b.release_id
            AND a.year = b.year
            AND a.other_release_id = b.other_release_id
            AND a.other_year = b.other_year
            AND a.region_code <> b.region_code
    WHERE
        abs(a.whole - b.other_whole) < least(a.distance, b.distance) * (a.whole + b.other_whole)
        AND abs(b.whole - a.other_whole) < least(a.distance, b.distance) * (b.whole + a.other_whole)
),

measured AS (
    SELECT
        c.release_id,
        c.year,
        c.other_year,
        c.region_code,
        c.other_region_code,
        100.0 / c.distance * greatest(
            (
                SELECT sum(abs(u.here - u.there)) FROM unnest(c.amounts, c.other_amounts_of_other) AS u (here, there)
            ) / (c.whole + c.other_whole_of_other),
            (
                SELECT sum(abs(u.here - u.there)) FROM unnest(c.amounts_of_other, c.other_amounts) AS u (here, there)
            ) / (c.whole_of_other + c.other_whole)
        ) AS share_pct
    FROM crossed AS c
)

SELECT
    x.release_id,
    x.region_code,
    cast(NULL AS text) AS sector_code,
    cast(x.year AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(x.share_pct AS double precision) AS measured,
    'har siffrorna för/has the figures of '
    || r.region_name || ' (' || x.other_region_code || ') ' || x.other_year AS reason,
    x.share_pct < :new_year_swapped_pct AS is_finding
FROM measured AS x
INNER JOIN core.dim_region AS r ON x.other_region_code = r.region_code
