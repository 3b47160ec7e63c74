CREATE OR REPLACE VIEW mart.cross_check AS
SELECT
    d.check_code,
    d.region_code,
    r.region_name,
    r.level,
    d.sector_code,
    d.year,
    d.left_value,
    d.right_value,
    d.difference_pct,
    d.is_same_vintage,
    d.left_release_id,
    d.right_release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.cross_check AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
