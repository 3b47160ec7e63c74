-- Lists partitions of current facts that no publication refers to and none is building.
SELECT
    s.fact,
    s.facts_id
FROM (
    SELECT
        f.fact,
        substring(c.relname FROM '_p([0-9]+)$')::bigint AS facts_id
    FROM ops.fact AS f
    INNER JOIN pg_class AS t ON f.fact = t.relname AND t.relnamespace = 'mart_data'::regnamespace
    INNER JOIN pg_inherits AS i ON t.oid = i.inhparent
    INNER JOIN pg_class AS c ON i.inhrelid = c.oid
) AS s
WHERE
    s.facts_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1
        FROM ops.publication_facts AS pf
        WHERE pf.fact = s.fact AND pf.facts_id = s.facts_id
    )
    AND NOT EXISTS (
        SELECT 1
        FROM ops.publication AS p
        WHERE p.publication_id = s.facts_id AND p.state = 'building' AND p.dropped_at IS NULL
    )
ORDER BY s.facts_id, s.fact
