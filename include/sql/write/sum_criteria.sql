-- Counts the network's criteria under a publication, members only.
INSERT INTO core.criteria_summary (
    publication_id, criterion, member_count, met_count, documented_count, self_confirmed_count, not_met_count,
    due_count, unknown_count, shown_not_met_count, shown_due_count, shown_unknown_count
)
SELECT
    c.publication_id,
    c.criterion,
    count(*) AS member_count,
    count(*) FILTER (WHERE c.status = 'met') AS met_count,
    count(*) FILTER (WHERE c.status = 'met' AND c.evidence_kind = 'document') AS documented_count,
    count(*) FILTER (WHERE c.status = 'met' AND c.evidence_kind = 'self_confirmed') AS self_confirmed_count,
    count(*) FILTER (WHERE c.status = 'not_met') AS not_met_count,
    count(*) FILTER (WHERE c.status = 'due') AS due_count,
    count(*) FILTER (WHERE c.status = 'unknown') AS unknown_count,
    count(*) FILTER (WHERE c.shown_status = 'not_met') AS shown_not_met_count,
    count(*) FILTER (WHERE c.shown_status = 'due') AS shown_due_count,
    count(*) FILTER (WHERE c.shown_status = 'unknown') AS shown_unknown_count
FROM mart_data.criterion AS c
WHERE c.publication_id = %(publication_id)s AND c.member_kind = 'member'
GROUP BY c.publication_id, c.criterion
