-- Finds gaps in the cross product of areas, sectors and years.
-- The sectors are those the release has, the years those it declares and those it has. Only a release with too few
-- cells is searched cell by cell; the primary key proves that no cell is there twice.
WITH counted AS MATERIALIZED (
    SELECT
        f.release_id,
        f.sector_code,
        f.year,
        count(r.region_code) AS area_count
    FROM {rows} AS f
    LEFT JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id, f.sector_code, f.year
),

pair AS (
    SELECT DISTINCT
        c.release_id,
        c.sector_code
    FROM counted AS c
),

release_year AS (
    SELECT
        r.release_id,
        unnest(r.years) AS year
    FROM core.dim_release AS r
    WHERE r.release_id = any(:release_ids)
    UNION
    SELECT
        c.release_id,
        c.year
    FROM counted AS c
),

short AS (
    SELECT x.release_id
    FROM unnest(:release_ids) AS x (release_id)
    WHERE
        (
            SELECT coalesce(sum(c.area_count), 0) FROM counted AS c
            WHERE c.release_id = x.release_id
        )
        <> (
            SELECT count(*) FROM pair AS p
            WHERE p.release_id = x.release_id
        )
        * (
            SELECT count(*) FROM release_year AS y
            WHERE y.release_id = x.release_id
        )
        * (SELECT count(*) FROM core.dim_region)
)

SELECT
    p.release_id,
    r.region_code,
    p.sector_code,
    cast(y.year AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM short AS x
INNER JOIN pair AS p ON x.release_id = p.release_id
INNER JOIN release_year AS y ON x.release_id = y.release_id
CROSS JOIN core.dim_region AS r
WHERE
    NOT EXISTS (
        SELECT 1
        FROM {rows} AS f
        WHERE
            f.run_id = :run_id
            AND f.release_id = p.release_id
            AND f.region_code = r.region_code
            AND f.sector_code = p.sector_code
            AND f.year = y.year
    )
