-- Facts whose region or sector the warehouse does not know. Partitions carry no foreign keys (they would
-- make an attach wait for readers), so this anti-join is what proves the codes.
SELECT
    f.release_id,
    f.region_code,
    f.sector_code,
    f.year,
    f.sheet_row,
    f.{value} AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM {rows} AS f
WHERE
    f.run_id = :run_id
    AND f.release_id = any(:release_ids)
    AND (
        NOT EXISTS (
            SELECT 1 FROM core.dim_region AS r
            WHERE r.region_code = f.region_code
        )
        OR NOT EXISTS (
            SELECT 1 FROM core.dim_sector AS s
            WHERE s.sector_code = f.sector_code
        )
    )
