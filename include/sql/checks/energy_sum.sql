-- Compares the sum of the carriers with all carriers, per area and year, where no cell is confidential.
WITH sums AS (
    SELECT
        f.release_id,
        f.region_code,
        f.year,
        min(f.sheet_row) AS sheet_row,
        max(f.energy_mwh) FILTER (WHERE f.fuel_code = 'total') AS total,
        sum(f.energy_mwh) FILTER (WHERE f.fuel_code <> 'total') AS parts,
        bool_and(f.energy_mwh IS NOT NULL) AS is_whole
    FROM core.fct_energy AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND f.consumer_code = 'total'
    GROUP BY f.release_id, f.region_code, f.year
)

SELECT
    s.release_id,
    s.region_code,
    cast(NULL AS text) AS sector_code,
    s.year,
    s.sheet_row,
    s.parts AS found,
    s.total AS expected,
    100.0 * abs(s.parts - s.total) / s.total AS measured,
    100.0 * abs(s.parts - s.total) / s.total > :energy_sum_pct AS is_finding
FROM sums AS s
WHERE s.is_whole AND s.total > 0
