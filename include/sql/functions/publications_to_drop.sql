-- Lists the publications that are no longer needed, oldest first.
-- Kept are the current one, the newest ones, those that were shown at any time since a moment, those that a mail still
-- refers to, and those whose results another one shares. Always kept are two, and everything of the last day: a reader
-- may still be in a transaction that began under the one before.
CREATE OR REPLACE FUNCTION ops.publications_to_drop(keep_newest integer, keep_since timestamptz)
RETURNS SETOF bigint
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
SELECT p.publication_id
FROM ops.publication AS p
WHERE
    p.dropped_at IS NULL
    AND keep_newest IS NOT NULL
    AND keep_since IS NOT NULL
    AND p.publication_id <> (SELECT cp.publication_id FROM mart.current_publication AS cp)
    AND p.publication_id NOT IN (
        SELECT n.publication_id
        FROM ops.publication AS n
        WHERE n.published_at IS NOT NULL AND n.dropped_at IS NULL
        ORDER BY n.publication_id DESC
        LIMIT greatest(keep_newest, 2)
    )
    -- Shown until the next one came; one that was never shown counts from its making.
    AND coalesce(
        (
            SELECT min(s.published_at)
            FROM ops.publication AS s
            WHERE s.previous_publication_id = p.publication_id
        ),
        p.published_at,
        p.created_at
    ) < least(keep_since, clock_timestamp() - interval '1 day')
    AND NOT EXISTS (
        SELECT 1
        FROM ops.mail_outbox AS o
        WHERE o.publication_id = p.publication_id AND o.state IN ('pending', 'sending', 'failed')
    )
    AND NOT EXISTS (
        SELECT 1
        FROM ops.publication AS l
        WHERE l.results_id = p.publication_id AND l.dropped_at IS NULL
    )
ORDER BY p.publication_id
$$;
