-- Tells whether a mail is to be sent.
SELECT EXISTS(
    SELECT 1
    FROM ops.mail_outbox
    -- A failed mail is tried again; one that a killed process left in "sending" is settled as unknown.
    WHERE state IN ('pending', 'failed', 'sending') AND approval IN ('not_needed', 'approved')
)
