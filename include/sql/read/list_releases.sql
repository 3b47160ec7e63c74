-- Lists all releases with state, years and number of rows.
SELECT
    d.release_id,
    d.state,
    coalesce(pr.is_current, FALSE) AS is_current,
    d.published_date,
    d.known_from,
    d.years[1] || '–' || d.years[cardinality(d.years)] AS years,
    cardinality(d.years) AS n_years,
    d.row_count AS rows,
    d.rejected_count AS rejected
FROM core.dim_release AS d
LEFT JOIN ops.publication_release AS pr
    ON
        d.release_id = pr.release_id
        AND pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
ORDER BY d.dataset, d.substance, d.published_date, d.known_from, d.approval_number, d.recorded_at
