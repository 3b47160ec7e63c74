-- Shows the network's criteria as they were published, one row per day of a publication.
CREATE OR REPLACE VIEW mart.criteria_summary AS
SELECT DISTINCT ON (p.as_of_date, s.criterion)
    p.as_of_date,
    s.criterion,
    s.member_count,
    s.met_count,
    s.documented_count,
    s.self_confirmed_count,
    s.shown_not_met_count AS not_met_count,
    s.shown_due_count AS due_count,
    s.shown_unknown_count AS unknown_count,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM core.criteria_summary AS s
INNER JOIN ops.publication AS p ON s.publication_id = p.publication_id AND p.published_at IS NOT NULL
ORDER BY p.as_of_date, s.criterion, s.publication_id DESC;
