-- Finds areas that a release lacks: it must have 1 nation, 21 counties and 290 municipalities.
WITH present AS (
    SELECT DISTINCT
        f.release_id,
        f.region_code
    FROM {rows} AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
)

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
LEFT JOIN present AS p ON x.release_id = p.release_id AND r.region_code = p.region_code
WHERE p.release_id IS NULL
