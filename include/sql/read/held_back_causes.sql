-- Reads what a publication had to mail when its digest was held back.
SELECT p.causes
FROM ops.publication AS p
WHERE p.publication_id = %(publication_id)s AND p.digest_held
