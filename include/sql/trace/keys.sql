-- Counts the rows of a mart that some columns select, and lists the values of the other keys.
SELECT
    count(*) AS row_count,
    {keys}
FROM {mart}
WHERE {conditions}
