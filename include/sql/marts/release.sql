-- Shows the releases of the publication, with the release that each one corrects.
CREATE OR REPLACE VIEW mart.release AS
SELECT
    d.release_id,
    d.source,
    d.dataset,
    d.substance,
    d.published_date,
    d.known_from,
    d.retrieved_at,
    d.content_sha256,
    d.file_sha256,
    d.years[1] AS first_year,
    d.years[cardinality(d.years)] AS last_year,
    d.years,
    d.row_count,
    pr.is_current,
    d.origin,
    d.state,
    d.unit,
    d.gwp_set,
    -- The same publisher's date with other content is a correction of the release known just before it.
    lag(d.release_id) OVER (
        PARTITION BY d.dataset, d.substance, d.published_date
        ORDER BY d.known_from, d.approval_number
    ) AS corrects,
    d.notes,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
