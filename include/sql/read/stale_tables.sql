-- The result tables of the current publication that could not be calculated.
SELECT
    s.table_name,
    s.status,
    s.because_of,
    s.error_class || ': ' || s.error_message AS error,
    s.computed_publication_id AS rows_of_publication,
    s.failing_since_publication_id AS failing_since
FROM mart_data.result_status AS s
INNER JOIN mart.current_publication AS cp ON s.publication_id = cp.publication_id
WHERE s.status <> 'fresh'
ORDER BY s.table_name
