-- Shows the sectors with their quality classes.
CREATE OR REPLACE VIEW mart.sector AS
SELECT
    s.sector_code,
    s.parent_sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    s.is_main,
    s.sort_order,
    q.national_worst AS national_quality,
    q.geographic_worst AS geographic_quality,
    CASE WHEN q.sector_code IS NULL THEN 'total' WHEN q.national_worst IS NULL THEN 'not_read' END
        AS quality_reason,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM core.dim_sector AS s
LEFT JOIN core.dim_sector_quality AS q ON split_part(s.sector_code, '.', 1) = q.sector_code;
