-- Compares the fuels with all fuels, per area, vehicle, measure and year, where both are there.
-- The fuels are never more. They may be a little less, because an unknown fuel is in the total only.
WITH sums AS (
    SELECT
        f.release_id,
        f.region_code,
        f.vehicle_code,
        f.measure_code,
        f.year,
        min(f.sheet_row) AS sheet_row,
        max(f.vehicle_count) FILTER (WHERE f.fuel_code = 'total') AS total,
        sum(f.vehicle_count) FILTER (WHERE f.fuel_code <> 'total') AS parts
    FROM core.fct_vehicle AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id, f.region_code, f.vehicle_code, f.measure_code, f.year
)

SELECT
    s.release_id,
    s.region_code,
    cast(NULL AS text) AS sector_code,
    s.year,
    s.sheet_row,
    cast(s.parts AS double precision) AS found,
    cast(s.total AS double precision) AS expected,
    cast(abs(s.parts - s.total) AS double precision) AS measured,
    s.vehicle_code,
    s.measure_code,
    s.parts > s.total
    OR s.total - s.parts > greatest(:vehicle_county_sum, s.total * :vehicle_fuel_short_pct / 100.0) AS is_finding
FROM sums AS s
WHERE s.total IS NOT NULL AND s.parts IS NOT NULL
