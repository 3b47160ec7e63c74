-- Where a member or applicant stands, in counts.
SELECT
    o.region_name AS name,
    o.member_kind AS is_a,
    o.target_count AS targets,
    o.met_count AS met,
    o.documented_count AS documented,
    o.self_confirmed_count AS self_confirmed,
    o.measure_count AS measures,
    o.overdue_count AS overdue,
    o.stale_count AS stale,
    o.pledge_count AS pledges,
    o.pledge_at_risk_count AS at_risk,
    o.as_of_date AS as_of,
    o.target_note_en AS note
FROM mart.member_overview AS o
WHERE o.region_code = %(region_code)s
