-- Columns of a table with their types, in order; nothing where there is no such table.
SELECT
    a.attname::text AS column_name,
    format_type(a.atttypid, a.atttypmod) AS column_type
FROM pg_catalog.pg_attribute AS a
WHERE
    a.attrelid = to_regclass(format('%%I.%%I', %(schema_name)s::text, %(table_name)s::text))
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY a.attnum
