-- Reads the current publication, if it was made after another one.
SELECT
    p.publication_id,
    p.as_of_date,
    p.causes
FROM ops.publication AS p
INNER JOIN mart.current_publication AS cp ON p.publication_id = cp.publication_id
WHERE p.publication_id > %(publication_id)s
