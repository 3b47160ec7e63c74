-- Lists every release a publication may show, with its gates and the release they were compared with.
SELECT
    d.release_id,
    d.dataset,
    d.substance,
    d.published_date,
    d.known_from,
    d.approval_number,
    d.state,
    d.file_sha256,
    d.run_id,
    v.validation_id,
    v.compared_with,
    v.docs_path
FROM core.dim_release AS d
INNER JOIN LATERAL (
    SELECT
        x.validation_id,
        x.compared_with,
        x.docs_path
    FROM ops.validation AS x
    WHERE x.release_id = d.release_id
    ORDER BY x.validation_id DESC
    LIMIT 1
) AS v ON TRUE
WHERE d.state IN ('validated', 'published')
