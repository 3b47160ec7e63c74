-- Shows the current publication and why it was made.
CREATE OR REPLACE VIEW mart.publication AS
SELECT
    p.publication_id,
    p.previous_publication_id,
    p.as_of_date,
    p.origin,
    p.method_version,
    p.causes,
    p.published_at
FROM ops.publication AS p
WHERE p.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
