-- Reads why a publication was made.
SELECT causes
FROM ops.publication
WHERE publication_id = %(publication_id)s
