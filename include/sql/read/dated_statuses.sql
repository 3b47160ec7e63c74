-- The statuses of a publication that a day alone can change.
SELECT {columns}
FROM {rows} AS d
WHERE d.publication_id = %(publication_id)s
