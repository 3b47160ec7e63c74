-- Pledges of one member or applicant, as their measures stand.
SELECT
    p.pledge_id AS pledge,
    p.promised_to,
    p.due_on,
    s.status,
    s.measure_count AS measures,
    s.done_count AS done,
    s.overdue_count AS overdue,
    s.stale_count AS stale
FROM mart.pledge_status AS s
INNER JOIN mart.pledge AS p ON s.pledge_id = p.pledge_id
WHERE s.region_code = %(region_code)s
ORDER BY s.pledge_id
