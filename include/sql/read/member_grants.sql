-- Grants that no measure of one member or applicant names, newest first.
SELECT
    g.case_number,
    g.decided_on,
    g.category,
    g.title,
    g.amount_sek::bigint AS sek,
    g.status
FROM mart.grant_offer AS g
WHERE g.region_code = %(region_code)s
ORDER BY g.decided_on DESC, g.case_number
