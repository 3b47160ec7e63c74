UPDATE core.dim_release
SET
    state = %(state)s,
    decided_by = %(decided_by)s,
    decided_at = %(decided_at)s,
    decision_reason = %(reason)s
WHERE release_id = %(release_id)s AND state = 'held'
RETURNING release_id
