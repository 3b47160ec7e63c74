CREATE OR REPLACE VIEW mart.measure_status AS
SELECT
    d.measure_id,
    d.region_code,
    r.region_name,
    d.is_overdue,
    d.is_stale,
    d.overdue_from,
    d.stale_from,
    d.as_of_date,
    d.publication_id
FROM mart_data.measure_status AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
