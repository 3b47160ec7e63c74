-- Lists a run's loaded releases and the releases of the same series to compare them with.
SELECT
    release_id,
    dataset,
    substance,
    published_date,
    known_from,
    approval_number,
    state,
    file_sha256,
    run_id
FROM core.dim_release
WHERE
    (run_id = %(run_id)s AND state = 'loaded')
    OR (
        state = ANY(%(states)s)
        AND (dataset, substance) IN (
            SELECT
                x.dataset,
                x.substance
            FROM core.dim_release AS x
            WHERE x.run_id = %(run_id)s AND x.state = 'loaded'
        )
    )
