-- The publication whose results are shown, if nothing of it was ever put into the outbox; one that moved dated
-- statuses alone has nothing to mail of its own.
SELECT
    p.publication_id,
    p.causes
FROM mart.current_publication AS cp
INNER JOIN ops.publication AS p ON coalesce(cp.results_id, cp.publication_id) = p.publication_id
WHERE
    NOT p.digest_held
    AND NOT EXISTS (
        SELECT 1
        FROM ops.mail_outbox AS o
        WHERE o.publication_id = p.publication_id
    )
    -- Another digest of its own day stood in its way, and that day is over.
    AND EXISTS (
        SELECT 1
        FROM ops.mail_outbox AS o
        WHERE o.kind = 'digest' AND o.as_of_date = p.as_of_date
    )
    AND p.as_of_date < %(as_of_date)s
