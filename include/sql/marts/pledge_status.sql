CREATE OR REPLACE VIEW mart.pledge_status AS
SELECT
    d.pledge_id,
    d.region_code,
    r.region_name,
    d.status,
    d.measure_count,
    d.done_count,
    d.overdue_count,
    d.stale_count,
    d.as_of_date,
    d.publication_id
FROM mart_data.pledge_status AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
