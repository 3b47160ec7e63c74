-- Every area the warehouse knows (1 nation, 21 counties, 290 municipalities) has figures in every release.
SELECT
    x.release_id,
    r.region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM unnest(:release_ids) AS x (release_id)
CROSS JOIN core.dim_region AS r
WHERE
    NOT EXISTS (
        SELECT 1
        FROM {rows} AS f
        WHERE f.run_id = :run_id AND f.release_id = x.release_id AND f.region_code = r.region_code
    )
