-- Shows for every result table whether it was calculated, and why not.
CREATE OR REPLACE VIEW mart.result_status AS
SELECT
    d.table_name,
    d.status,
    d.reason,
    d.because_of,
    d.reason_sv,
    d.reason_en,
    d.error_class,
    d.computed_publication_id,
    c.as_of_date AS computed_as_of_date,
    d.failing_since_publication_id,
    d.publication_id
FROM mart_data.result_status AS d
LEFT JOIN ops.publication AS c ON d.computed_publication_id = c.publication_id
WHERE d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
