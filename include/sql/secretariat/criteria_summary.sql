-- Shows the network's criteria as they are: shortcomings count whether or not they are published yet.
CREATE OR REPLACE VIEW secretariat.criteria_summary AS
SELECT
    p.as_of_date,
    s.criterion,
    s.member_count,
    s.met_count,
    s.documented_count,
    s.self_confirmed_count,
    s.not_met_count,
    s.due_count,
    s.unknown_count,
    s.publication_id
FROM core.criteria_summary AS s
INNER JOIN ops.publication AS p ON s.publication_id = p.publication_id AND p.published_at IS NOT NULL;
