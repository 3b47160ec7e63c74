-- Lists recipients without a digest of the publication whose results are shown.
-- Another digest of that day was sent to them instead. A publication that moved only dated statuses has nothing to
-- mail.
SELECT
    p.publication_id,
    p.causes,
    r.recipient
FROM mart.current_publication AS cp
INNER JOIN ops.publication AS p ON coalesce(cp.results_id, cp.publication_id) = p.publication_id
CROSS JOIN LATERAL unnest(%(recipients)s::text[]) WITH ORDINALITY AS r (recipient, place)
-- What the day held for this recipient; for a recipient that is new since, what it held for anybody.
CROSS JOIN
    LATERAL (
        SELECT
            coalesce(bool_or(o.publication_id = p.publication_id), FALSE) AS is_queued,
            coalesce(bool_or(o.publication_id = p.publication_id AND o.recipient = r.recipient), FALSE) AS is_told,
            coalesce(bool_or(o.as_of_date = p.as_of_date), FALSE) AS day_is_used,
            coalesce(bool_or(o.as_of_date = p.as_of_date AND o.recipient = r.recipient), FALSE) AS day_is_used_here
        FROM ops.mail_outbox AS o
        WHERE o.kind = 'digest' AND (o.publication_id = p.publication_id OR o.as_of_date = p.as_of_date)
    ) AS held
WHERE
    NOT p.digest_held
    AND NOT held.is_told
    AND (held.day_is_used_here OR (held.day_is_used AND NOT held.is_queued))
    -- That day is over.
    AND p.as_of_date < %(as_of_date)s
ORDER BY r.place
