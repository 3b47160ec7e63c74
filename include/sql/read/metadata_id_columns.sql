-- Which tables of Airflow's metadata hold ids of DAGs, and in which of the given columns.
SELECT
    cols.table_name::text AS table_name,
    array_agg(cols.column_name::text) AS id_columns
FROM information_schema.columns AS cols
INNER JOIN information_schema.tables AS tabs
    ON
        cols.table_schema = tabs.table_schema
        AND cols.table_name = tabs.table_name
WHERE
    cols.table_schema = current_schema()
    AND tabs.table_type = 'BASE TABLE'
    AND cols.column_name = any(%(columns)s)
GROUP BY cols.table_name
HAVING bool_or(right(cols.column_name, 6) = 'dag_id')
ORDER BY cols.table_name
