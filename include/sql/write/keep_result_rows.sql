-- The rows that a result table has under a publication, under another one too.
INSERT INTO {rows} (publication_id, {columns})
SELECT
    %(publication_id)s AS publication_id,
    {columns}
FROM {rows}
WHERE publication_id = %(of_publication_id)s
