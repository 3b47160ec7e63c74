-- Shows every change of a status or its reason; status NULL: the member is no longer asked for it.
CREATE OR REPLACE VIEW secretariat.criterion_history AS
SELECT
    c.region_code,
    r.region_name,
    c.criterion,
    c.status,
    c.shown_status,
    c.reason,
    p.as_of_date AS valid_from,
    lead(p.as_of_date) OVER (PARTITION BY c.region_code, c.criterion ORDER BY c.publication_id) AS valid_to,
    c.publication_id
FROM core.criterion_change AS c
INNER JOIN ops.publication AS p ON c.publication_id = p.publication_id AND p.published_at IS NOT NULL
INNER JOIN core.dim_region AS r ON c.region_code = r.region_code;
