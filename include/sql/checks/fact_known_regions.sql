-- Rows of a region the warehouse does not know; a row that states none is no finding.
SELECT
    f.release_id,
    {region_code} AS region_code,
    cast(NULL AS text) AS sector_code,
    {year} AS year,
    f.sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM {rows} AS f
LEFT JOIN core.dim_region AS r ON {region_code} = r.region_code
WHERE
    f.run_id = :run_id
    AND f.release_id = any(:release_ids)
    AND {region_code} IS NOT NULL
    AND r.region_code IS NULL
