-- Shows how fresh each dataset is, with its current release.
CREATE OR REPLACE VIEW mart.data_status AS
SELECT
    c.source,
    c.dataset,
    d.release_id,
    d.published_date,
    d.known_from,
    c.last_checked_at,
    c.next_expected,
    c.status,
    d.origin,
    c.substance,
    c.detail,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM ops.dataset_check AS c
LEFT JOIN (
    SELECT
        r.dataset,
        r.substance,
        r.release_id,
        r.published_date,
        r.known_from,
        r.origin
    FROM ops.publication_release AS pr
    INNER JOIN core.dim_release AS r ON pr.release_id = r.release_id
    WHERE
        pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        AND pr.is_current
) AS d ON c.dataset = d.dataset AND c.substance = d.substance;
