-- Measures of one member or applicant that are overdue or stale.
SELECT
    m.measure_id AS measure,
    m.title_en AS title,
    m.status,
    CASE WHEN s.is_overdue THEN s.overdue_from END AS overdue_from,
    CASE WHEN s.is_stale THEN s.stale_from END AS stale_from,
    m.responsible_role
FROM mart.measure_status AS s
INNER JOIN mart.measure AS m ON s.measure_id = m.measure_id
WHERE s.region_code = %(region_code)s AND (s.is_overdue OR s.is_stale)
ORDER BY s.measure_id
