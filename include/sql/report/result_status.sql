-- Result tables that could not be calculated in the publication; the mail shows no row of them.
SELECT
    s.table_name,
    s.publication_id
FROM mart.result_status AS s
WHERE s.status <> 'fresh'
ORDER BY s.table_name;
