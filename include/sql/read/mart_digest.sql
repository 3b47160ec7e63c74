-- The rows of a mart in the order of its key, for their hash.
SELECT {columns}
FROM {mart}
ORDER BY {key}
