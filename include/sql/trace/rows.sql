-- Reads the rows of a mart that some columns select.
SELECT {columns}
FROM {mart}
WHERE {conditions}
ORDER BY {key}
