-- Digests that wait for a person's word. Under a publication that a passing day made nobody is asked: the question
-- about the one before it stands, and a second one would be taken for another digest's.
SELECT o.outbox_id
FROM ops.mail_outbox AS o
WHERE
    o.approval = 'asked' AND o.state = 'pending'
    AND (SELECT cp.results_id IS NULL FROM mart.current_publication AS cp)
ORDER BY o.outbox_id
