-- Lists releases that are not published yet, with the reason: the person's words, else the gates'.
SELECT
    d.release_id,
    CASE d.state WHEN 'held' THEN 'on hold' ELSE 'validated' END AS state,
    d.published_date,
    d.recorded_at::date AS loaded_on,
    CASE
        WHEN d.state = 'validated' THEN 'the next publication'
        WHEN h.action = 'hold' THEN 'put on hold by ' || h.decided_by || ': ' || h.reason
        ELSE coalesce(g.failed, 'an answer')
    END AS waits_for
FROM core.dim_release AS d
LEFT JOIN LATERAL (
    SELECT
        r.action,
        r.decided_by,
        r.reason
    FROM ops.release_decision AS r
    WHERE r.release_id = d.release_id
    ORDER BY r.decision_id DESC
    LIMIT 1
) AS h ON TRUE
LEFT JOIN LATERAL (
    SELECT string_agg(v.rule || ': ' || v.message_en, '; ' ORDER BY v.rule) AS failed
    FROM ops.validation_gate AS v
    WHERE
        v.validation_id = (
            SELECT max(x.validation_id) FROM ops.validation AS x
            WHERE x.release_id = d.release_id
        )
        AND v.severity = 'hold'
        AND NOT v.passed
) AS g ON TRUE
WHERE d.state IN ('validated', 'held')
ORDER BY d.state, d.release_id
