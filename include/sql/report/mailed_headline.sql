-- Reads the headline figures of the last digest mailed before the current publication, if one was mailed.
-- A mail that may have arrived counts.
SELECT
    o.headline,
    p.publication_id
FROM mart.publication AS p
CROSS JOIN LATERAL (
    SELECT m.headline
    FROM ops.mail_outbox AS m
    WHERE m.publication_id < p.publication_id AND m.state IN ('sent', 'unknown') AND m.headline IS NOT NULL
    ORDER BY m.publication_id DESC, m.outbox_id DESC
    LIMIT 1
) AS o;
