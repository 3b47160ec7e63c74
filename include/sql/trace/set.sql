-- Reads a set of rows of a mart, in no order.
SELECT {columns}
FROM {mart}
WHERE {conditions}
