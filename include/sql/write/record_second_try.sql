-- Records the code that recalculated a publication's missing tables without success, so that it does not retry.
UPDATE ops.publication
SET code_sha256 = %(code_sha256)s
WHERE publication_id = %(publication_id)s
