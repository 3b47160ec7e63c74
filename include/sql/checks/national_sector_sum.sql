-- Compares the eight domestic sectors of the inventory with its total, per gas and year, where all are there.
WITH sums AS (
    SELECT
        f.release_id,
        f.substance,
        f.year,
        min(f.sheet_row) AS sheet_row,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'total') AS total,
        sum(f.emissions_tco2e) FILTER (
            WHERE f.sector_code IN (
                'transport', 'industry', 'agriculture', 'power_heat', 'own_heating', 'machinery',
                'product_use', 'waste'
            )
        ) AS parts,
        count(*) FILTER (
            WHERE f.sector_code IN (
                'transport', 'industry', 'agriculture', 'power_heat', 'own_heating', 'machinery',
                'product_use', 'waste'
            )
        ) AS part_count
    FROM core.fct_national_emission AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id, f.substance, f.year
)

SELECT
    s.release_id,
    cast(NULL AS text) AS region_code,
    'total' AS sector_code,
    s.year,
    s.sheet_row,
    s.parts AS found,
    s.total AS expected,
    100.0 * abs(s.parts - s.total) / s.total AS measured,
    s.substance,
    100.0 * abs(s.parts - s.total) / s.total > :national_sum_pct AS is_finding
FROM sums AS s
WHERE s.part_count = 8 AND s.total > 0
