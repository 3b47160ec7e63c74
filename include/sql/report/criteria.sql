-- Reads the network's published criteria on the date of the publication.
SELECT
    s.criterion,
    s.member_count,
    s.met_count,
    s.documented_count,
    s.not_met_count,
    s.due_count,
    s.unknown_count,
    s.publication_id
FROM mart.criteria_summary AS s
INNER JOIN mart.publication AS p ON s.as_of_date = p.as_of_date
ORDER BY array_position(ARRAY['inventory', 'targets', 'action_plan', 'informing'], s.criterion);
