-- Emissions are numbers from zero upwards: no negative value, no NaN, no infinity.
SELECT
    f.release_id,
    f.region_code,
    f.sector_code,
    f.year,
    f.sheet_row,
    f.emissions AS found,
    cast(0 AS double precision) AS expected,
    f.emissions AS measured,
    not(f.emissions >= 0 AND f.emissions < cast('Infinity' AS double precision)) AS is_finding
FROM core.fct_emission AS f
WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
