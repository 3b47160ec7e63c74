-- Reads the statuses of a publication that change as days pass.
SELECT {columns}
FROM {rows} AS d
WHERE d.publication_id = %(publication_id)s
