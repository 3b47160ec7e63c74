-- Lists the first findings of a check per release, in the order of the sheet, with the names of area and sector.
SELECT *
FROM (
    SELECT
        row_number() OVER (
            PARTITION BY c.release_id ORDER BY c.sheet_row NULLS LAST, c.year, c.region_code, c.sector_code
        ) AS finding_number,
        c.*,
        r.region_name,
        s.sector_name_sv,
        s.sector_name_en
    FROM ({check}) AS c
    LEFT JOIN core.dim_region AS r ON c.region_code = r.region_code
    LEFT JOIN core.dim_sector AS s ON c.sector_code = s.sector_code
    WHERE c.is_finding
) AS f
WHERE finding_number <= {sample_size}
ORDER BY release_id, finding_number
