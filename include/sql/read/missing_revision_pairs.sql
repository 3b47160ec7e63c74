-- Lists the pairs of consecutive releases whose revision was not calculated yet.
SELECT
    p.to_release_id,
    p.from_release_id
FROM unnest(%(to_release_ids)s::text[], %(from_release_ids)s::text[]) AS p (to_release_id, from_release_id)
LEFT JOIN core.revision_pair AS r
    ON p.to_release_id = r.to_release_id AND p.from_release_id = r.from_release_id
WHERE r.to_release_id IS NULL
ORDER BY p.to_release_id
