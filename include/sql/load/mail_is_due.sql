SELECT EXISTS (
    SELECT 1
    FROM ops.mail_outbox
    WHERE state = 'pending' AND approval IN ('not_needed', 'approved')
)
