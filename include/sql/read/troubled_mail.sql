-- Lists mails that did not arrive or that wait for approval.
SELECT
    outbox_id,
    kind,
    as_of_date,
    state,
    approval,
    last_error
FROM ops.mail_outbox
WHERE state IN ('refused', 'failed', 'unknown') OR approval = 'asked'
ORDER BY outbox_id
