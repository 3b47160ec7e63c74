CREATE OR REPLACE VIEW mart.sector AS
SELECT
    s.sector_code,
    s.parent_sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    s.is_main,
    s.sort_order,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM core.dim_sector AS s;
