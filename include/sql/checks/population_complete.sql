-- Finds areas without population in a year, except municipalities that had not been split off yet.
WITH release_year AS (
    SELECT
        r.release_id,
        unnest(r.years) AS year
    FROM core.dim_release AS r
    WHERE r.release_id = any(:release_ids)
    UNION
    SELECT DISTINCT
        f.release_id,
        f.year
    FROM core.fct_population AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
)

SELECT
    y.release_id,
    r.region_code,
    cast(NULL AS text) AS sector_code,
    cast(y.year AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM release_year AS y
CROSS JOIN core.dim_region AS r
LEFT JOIN
    unnest(cast(:split_region_codes AS text[]), cast(:split_from_years AS integer[])) AS late (region_code, from_year)
    ON r.region_code = late.region_code
WHERE
    y.year >= coalesce(late.from_year, 0)
    AND NOT EXISTS (
        SELECT 1
        FROM core.fct_population AS f
        WHERE
            f.run_id = :run_id
            AND f.release_id = y.release_id
            AND f.region_code = r.region_code
            AND f.year = y.year
    )
