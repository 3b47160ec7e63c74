-- Copies the rows of a result table from one publication to another.
INSERT INTO {rows} (publication_id, {columns})
SELECT
    %(publication_id)s AS publication_id,
    {columns}
FROM {rows}
WHERE publication_id = %(of_publication_id)s
