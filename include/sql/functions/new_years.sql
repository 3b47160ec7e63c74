-- Lists the years of releases that the release before does not have, each with the release's own year before it.
-- The limit for one year is applied as many times as there are steps: two where calendar years lie between. Without a
-- release before: every year, or the newest alone.
CREATE OR REPLACE FUNCTION ops.new_years(
    judged_ids text[], compared_ids text[], earlier_ids text[], every_year boolean
)
RETURNS TABLE (release_id text, year smallint, year_before smallint, steps smallint)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        x.release_id,
        x.year,
        x.year_before,
        CAST(CASE WHEN x.year - x.year_before > 1 THEN 2 ELSE 1 END AS smallint) AS steps
    FROM (
        SELECT
            d.release_id,
            y.year,
            LAG(y.year) OVER w AS year_before,
            LEAD(y.year) OVER w AS year_after,
            e.years AS earlier_years
        FROM core.dim_release AS d
        CROSS JOIN LATERAL UNNEST(d.years) AS y (year)
        LEFT JOIN UNNEST(compared_ids, earlier_ids) AS p (release_id, earlier_release_id)
            ON d.release_id = p.release_id
        LEFT JOIN core.dim_release AS e ON p.earlier_release_id = e.release_id
        WHERE d.release_id = ANY(judged_ids)
        WINDOW w AS (PARTITION BY d.release_id ORDER BY y.year)
    ) AS x
    WHERE
        x.year_before IS NOT NULL
        AND CASE
            WHEN x.earlier_years IS NULL THEN every_year OR x.year_after IS NULL
            ELSE x.year <> ALL(x.earlier_years)
        END
$$;
