-- Lists the tables that the publication did not calculate, and why.
SELECT
    table_name,
    reason_en
FROM mart.result_status
WHERE status <> 'fresh'
