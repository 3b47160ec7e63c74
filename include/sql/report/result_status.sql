-- Lists the result tables that could not be calculated; nothing of them is mailed.
SELECT
    s.table_name,
    s.publication_id
FROM mart.result_status AS s
WHERE s.status <> 'fresh'
ORDER BY s.table_name;
