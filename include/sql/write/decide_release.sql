-- Records a person's decision on a release: its new state, and who decided what, when and why.
WITH present AS (
    SELECT
        d.release_id,
        d.state
    FROM core.dim_release AS d
    WHERE d.release_id = %(release_id)s AND d.state = ANY(%(from_states)s)
    FOR UPDATE
),

decided AS (
    UPDATE core.dim_release AS d
    SET
        state = %(to_state)s,
        decided_by = %(decided_by)s,
        decided_at = %(decided_at)s,
        decision_reason = %(reason)s,
        -- A release that is put on hold is asked about, whoever was asked before.
        asked_by_run = CASE WHEN %(to_state)s = 'held' THEN NULL ELSE d.asked_by_run END
    FROM present AS p
    WHERE d.release_id = p.release_id
    RETURNING d.release_id, p.state AS from_state
)

INSERT INTO ops.release_decision (release_id, action, from_state, to_state, decided_by, reason, decided_at)
SELECT
    d.release_id,
    %(action)s AS action,
    d.from_state,
    %(to_state)s AS to_state,
    %(decided_by)s AS decided_by,
    %(reason)s AS reason,
    %(decided_at)s AS decided_at
FROM decided AS d
RETURNING decision_id
