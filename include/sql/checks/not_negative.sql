-- Finds emissions that are negative, infinite or not a number.
SELECT
    f.release_id,
    f.region_code,
    f.sector_code,
    f.year,
    f.sheet_row,
    f.{value} AS found,
    cast(0 AS double precision) AS expected,
    f.{value} AS measured,
    not(f.{value} >= 0 AND f.{value} < cast('Infinity' AS double precision)) AS is_finding
FROM {rows} AS f
WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
