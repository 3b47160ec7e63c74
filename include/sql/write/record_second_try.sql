-- The code that calculated again what a publication lacks, and could not either: it need not try once more.
UPDATE ops.publication
SET code_sha256 = %(code_sha256)s
WHERE publication_id = %(publication_id)s
