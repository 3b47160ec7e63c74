-- How many rows of a mart some of its columns choose, and what its other keys are among them.
SELECT
    count(*) AS row_count,
    {keys}
FROM {mart}
WHERE {conditions}
