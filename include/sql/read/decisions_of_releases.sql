-- Reads the last decision on each of these releases; NULL where nobody decided.
SELECT
    r.release_id,
    r.dataset,
    r.substance,
    d.decided_by,
    d.reason
FROM core.dim_release AS r
LEFT JOIN LATERAL (
    SELECT
        x.decided_by,
        x.reason
    FROM ops.release_decision AS x
    WHERE x.release_id = r.release_id
    ORDER BY x.decision_id DESC
    LIMIT 1
) AS d ON TRUE
WHERE r.release_id = ANY(%(release_ids)s)
ORDER BY r.release_id
