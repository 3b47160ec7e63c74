-- Shows the sums of every published release: nation, counties, unallocated part and gaps.
CREATE OR REPLACE VIEW mart.reconciliation AS
SELECT
    c.release_id,
    d.substance,
    c.sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    c.year,
    CASE WHEN b.is_greenhouse_gas THEN d.unit ELSE 'ton/år' END AS unit,
    c.nation,
    c.counties,
    c.unallocated,
    CASE WHEN c.nation > 0 THEN 100.0 * c.unallocated / c.nation END AS unallocated_pct,
    c.largest_county_gap,
    c.sector_sum_gap,
    q.national_worst AS national_quality,
    q.geographic_worst AS geographic_quality,
    CASE WHEN q.sector_code IS NULL THEN 'total' WHEN q.national_worst IS NULL THEN 'not_read' END
        AS quality_reason,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
INNER JOIN core.reconciliation AS c ON d.release_id = c.release_id
INNER JOIN core.dim_sector AS s ON c.sector_code = s.sector_code
LEFT JOIN core.dim_sector_quality AS q ON split_part(s.sector_code, '.', 1) = q.sector_code
LEFT JOIN core.dim_substance AS b ON d.substance = b.substance
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
