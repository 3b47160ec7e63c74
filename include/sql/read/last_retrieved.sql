-- Finds what was last retrieved of a series by a day, for publishers that date nothing.
SELECT
    release_id,
    published_date,
    content_sha256
FROM core.dim_release
WHERE
    dataset = %(dataset)s
    AND substance = %(substance)s
    AND published_date <= %(retrieved)s
    AND state IN ('loaded', 'validated', 'held', 'published')
ORDER BY published_date DESC, known_from DESC, content_sha256 COLLATE "C" DESC
LIMIT 1
