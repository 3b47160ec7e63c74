-- Lists mails that wait for a person's approval.
-- A publication made only because days passed raises no question: the one about the publication before it stands, and a
-- second one would be taken for another digest's.
SELECT o.outbox_id
FROM ops.mail_outbox AS o
WHERE
    o.approval = 'asked' AND o.state = 'pending'
    AND (o.kind <> 'digest' OR (SELECT cp.results_id IS NULL FROM mart.current_publication AS cp))
ORDER BY o.outbox_id
