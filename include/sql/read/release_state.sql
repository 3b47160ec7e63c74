-- Reads the state of one release.
SELECT
    state,
    dataset,
    substance,
    published_date
FROM core.dim_release
WHERE release_id = %(release_id)s
