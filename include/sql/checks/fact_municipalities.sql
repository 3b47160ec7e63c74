-- Finds municipalities that a year of a release lacks.
WITH years AS (
    SELECT
        f.release_id,
        f.year
    FROM {rows} AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id, f.year
),

there AS (
    SELECT
        f.release_id,
        f.year,
        f.region_code
    FROM {rows} AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id, f.year, f.region_code
)

SELECT
    y.release_id,
    r.region_code,
    cast(NULL AS text) AS sector_code,
    y.year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM years AS y
INNER JOIN core.dim_region AS r ON r.level = 'municipality'
LEFT JOIN there AS t ON y.release_id = t.release_id AND y.year = t.year AND r.region_code = t.region_code
WHERE t.region_code IS NULL
