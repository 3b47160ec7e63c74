-- Lists every release that a publication may show: published before, or validated and waiting.
SELECT
    release_id,
    dataset,
    substance,
    published_date,
    known_from,
    approval_number,
    state,
    origin,
    years,
    decided_by,
    decision_reason,
    run_id
FROM core.dim_release
WHERE state IN ('published', 'validated')
ORDER BY release_id
