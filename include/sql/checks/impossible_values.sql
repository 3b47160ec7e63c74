-- Finds values that the contract does not allow: not a number, infinite, too small or too large.
-- Such cells are refused when a release is loaded; this query proves that none was loaded.
SELECT
    f.release_id,
    {region_code} AS region_code,
    cast(NULL AS text) AS sector_code,
    {year} AS year,
    f.sheet_row,
    v.found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    v.column_name,
    v.column_name AS reason,
    v.is_impossible AS is_finding
FROM {rows} AS f
CROSS JOIN LATERAL (VALUES {impossible_values}) AS v (column_name, found, is_impossible)
WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND v.is_impossible
