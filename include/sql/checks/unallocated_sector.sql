-- The unallocated part of a main sector, in percent of the nation's figure, either way. The sectors whose
-- unallocated part is naturally large (shipping, machinery at sea) have a gate of their own.
WITH counties AS (
    SELECT
        f.release_id,
        f.sector_code,
        f.year,
        sum(f.{value}) AS emissions
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND r.level = 'county'
        AND s.is_main
        AND s.sector_code <> all(:wide_unallocated_sectors)
    GROUP BY f.release_id, f.sector_code, f.year
)

SELECT
    n.release_id,
    n.region_code,
    n.sector_code,
    n.year,
    n.sheet_row,
    n.{value} AS found,
    c.emissions AS expected,
    abs(100 * (n.{value} - c.emissions) / nullif(n.{value}, 0)) AS measured,
    coalesce(abs(100 * (n.{value} - c.emissions) / nullif(n.{value}, 0)), 0)
    > :advisory_unallocated_pct AS is_finding
FROM {rows} AS n
INNER JOIN counties AS c
    ON n.release_id = c.release_id AND n.sector_code = c.sector_code AND n.year = c.year
WHERE n.run_id = :run_id AND n.release_id = any(:release_ids) AND n.region_code = '00'
