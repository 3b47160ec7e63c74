-- Finds releases without the published total or one of the nine main sectors.
-- Without them the checks of sums would compare nothing and pass.
SELECT
    x.release_id,
    cast(NULL AS text) AS region_code,
    s.sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM unnest(:release_ids) AS x (release_id)
CROSS JOIN core.dim_sector AS s
WHERE
    (s.is_main OR s.sector_code = 'all')
    AND NOT EXISTS (
        SELECT 1
        FROM {rows} AS f
        WHERE f.run_id = :run_id AND f.release_id = x.release_id AND f.sector_code = s.sector_code
    )
