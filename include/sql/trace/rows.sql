-- Rows of a mart that some of its columns choose.
SELECT {columns}
FROM {mart}
WHERE {conditions}
ORDER BY {key}
