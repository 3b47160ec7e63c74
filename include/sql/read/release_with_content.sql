-- Finds the release with the same content.
SELECT release_id
FROM core.dim_release
WHERE
    dataset = %(dataset)s
    AND substance = %(substance)s
    AND content_sha256 = %(content_sha256)s
