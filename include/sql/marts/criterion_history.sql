-- Shows changes of published statuses; a hidden change is no change here. Of several on a day the last counts.
CREATE OR REPLACE VIEW mart.criterion_history AS
WITH shown AS (
    SELECT DISTINCT ON (c.region_code, c.criterion, p.as_of_date)
        c.region_code,
        c.criterion,
        p.as_of_date,
        c.shown_status
    FROM core.criterion_change AS c
    INNER JOIN ops.publication AS p ON c.publication_id = p.publication_id AND p.published_at IS NOT NULL
    ORDER BY c.region_code, c.criterion, p.as_of_date, c.publication_id DESC
),

moved AS (
    SELECT
        t.region_code,
        t.criterion,
        t.as_of_date,
        t.shown_status,
        lag(t.shown_status) OVER w AS shown_before
    FROM shown AS t
    WINDOW w AS (PARTITION BY t.region_code, t.criterion ORDER BY t.as_of_date)
),

spans AS (
    SELECT
        m.region_code,
        m.criterion,
        m.shown_status,
        m.as_of_date AS valid_from,
        lead(m.as_of_date) OVER w AS valid_to
    FROM moved AS m
    WHERE m.shown_status IS DISTINCT FROM m.shown_before
    WINDOW w AS (PARTITION BY m.region_code, m.criterion ORDER BY m.as_of_date)
)

SELECT
    s.region_code,
    r.region_name,
    s.criterion,
    s.shown_status AS status,
    s.valid_from,
    s.valid_to,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM spans AS s
INNER JOIN core.dim_region AS r ON s.region_code = r.region_code
WHERE s.shown_status IS NOT NULL;
