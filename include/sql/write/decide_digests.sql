-- Records a person's approval or rejection of digests.
UPDATE ops.mail_outbox
SET
    approval = CASE WHEN %(is_approved)s THEN 'approved' ELSE 'rejected' END,
    state = CASE WHEN %(is_approved)s THEN state ELSE 'suppressed' END,
    updated_at = %(now)s
WHERE outbox_id = ANY(%(outbox_ids)s) AND approval = 'asked' AND state = 'pending'
