-- A person's decision on a release: its new state, and the record of who decided what, when and why.
WITH decided AS (
    UPDATE core.dim_release
    SET
        state = %(to_state)s,
        decided_by = %(decided_by)s,
        decided_at = %(decided_at)s,
        decision_reason = %(reason)s
    WHERE release_id = %(release_id)s AND state = %(from_state)s
    RETURNING release_id
)

INSERT INTO ops.release_decision (release_id, action, from_state, to_state, decided_by, reason, decided_at)
SELECT
    d.release_id,
    %(action)s AS action,
    %(from_state)s AS from_state,
    %(to_state)s AS to_state,
    %(decided_by)s AS decided_by,
    %(reason)s AS reason,
    %(decided_at)s AS decided_at
FROM decided AS d
RETURNING decision_id
