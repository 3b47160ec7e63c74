-- Population of a region the warehouse does not know.
SELECT
    f.release_id,
    f.region_code,
    cast(NULL AS text) AS sector_code,
    f.year,
    f.sheet_row,
    cast(f.population_count AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM core.fct_population AS f
WHERE
    f.run_id = :run_id
    AND f.release_id = any(:release_ids)
    AND NOT EXISTS (
        SELECT 1 FROM core.dim_region AS r
        WHERE r.region_code = f.region_code
    )
