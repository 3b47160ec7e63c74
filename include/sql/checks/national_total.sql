-- Finds years between the first and the last without the total of all greenhouse gases.
WITH spans AS (
    SELECT
        f.release_id,
        cast(min(f.year) AS integer) AS first_year,
        cast(max(f.year) AS integer) AS last_year
    FROM core.fct_national_emission AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id
)

SELECT
    s.release_id,
    cast(NULL AS text) AS region_code,
    'total' AS sector_code,
    y.year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM spans AS s
INNER JOIN LATERAL generate_series(s.first_year, s.last_year) AS y (year) ON TRUE
LEFT JOIN core.fct_national_emission AS f
    ON
        f.run_id = :run_id
        AND s.release_id = f.release_id
        AND y.year = f.year
        AND f.substance = 'ghg'
        AND f.sector_code = 'total'
WHERE f.year IS NULL
