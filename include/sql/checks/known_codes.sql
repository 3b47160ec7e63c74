-- Finds rows whose area or sector the warehouse does not know.
-- Partitions have no foreign keys (they would make an attach wait for readers): this query proves the codes. A row that
-- states no area is no finding.
SELECT
    f.release_id,
    {region_code} AS region_code,
    {sector_code} AS sector_code,
    {year} AS year,
    f.sheet_row,
    {found} AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM {rows} AS f
WHERE
    f.run_id = :run_id
    AND f.release_id = any(:release_ids)
    AND (
        (
            {region_code} IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM core.dim_region AS r
                WHERE r.region_code = {region_code}
            )
        )
        OR (
            {sector_code} IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM core.dim_sector AS s
                WHERE s.sector_code = {sector_code}
            )
        )
    )
