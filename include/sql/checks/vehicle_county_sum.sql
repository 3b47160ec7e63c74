-- Compares each county with the sum of its municipalities, per vehicle, fuel, measure and year.
-- Some owners have a county and no municipality, so a few vehicles may be over.
WITH parts AS (
    SELECT
        f.release_id,
        r.county_code,
        f.vehicle_code,
        f.fuel_code,
        f.measure_code,
        f.year,
        sum(f.vehicle_count) AS vehicle_count
    FROM core.fct_vehicle AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code AND r.level = 'municipality'
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id, r.county_code, f.vehicle_code, f.fuel_code, f.measure_code, f.year
)

SELECT
    f.release_id,
    f.region_code,
    cast(NULL AS text) AS sector_code,
    f.year,
    f.sheet_row,
    cast(p.vehicle_count AS double precision) AS found,
    cast(f.vehicle_count AS double precision) AS expected,
    cast(abs(f.vehicle_count - p.vehicle_count) AS double precision) AS measured,
    f.vehicle_code,
    f.fuel_code,
    f.measure_code,
    abs(f.vehicle_count - p.vehicle_count) > :vehicle_county_sum AS is_finding
FROM core.fct_vehicle AS f
INNER JOIN parts AS p
    ON
        f.release_id = p.release_id
        AND f.region_code = p.county_code
        AND f.vehicle_code = p.vehicle_code
        AND f.fuel_code = p.fuel_code
        AND f.measure_code = p.measure_code
        AND f.year = p.year
WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
