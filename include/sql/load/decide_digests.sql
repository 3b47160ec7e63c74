UPDATE ops.mail_outbox
SET
    approval = CASE WHEN %(is_approved)s THEN 'approved' ELSE 'rejected' END,
    state = CASE WHEN %(is_approved)s THEN state ELSE 'suppressed' END,
    updated_at = %(now)s
WHERE approval = 'asked' AND state = 'pending'
