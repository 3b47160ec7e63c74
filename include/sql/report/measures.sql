-- Counts members' measures and pledges; applicants are not members yet.
SELECT
    coalesce(sum(o.measure_count), 0)::integer AS measure_count,
    coalesce(sum(o.overdue_count), 0)::integer AS overdue_count,
    coalesce(sum(o.stale_count), 0)::integer AS stale_count,
    coalesce(sum(o.pledge_count), 0)::integer AS pledge_count,
    coalesce(sum(o.pledge_at_risk_count), 0)::integer AS pledge_at_risk_count,
    (count(*) FILTER (WHERE o.target_count = 0))::integer AS without_target_count,
    p.publication_id
FROM mart.publication AS p
LEFT JOIN mart.member_overview AS o ON p.publication_id = o.publication_id AND o.member_kind = 'member'
GROUP BY p.publication_id;
