-- Lists the releases of an earlier publication that are no longer shown.
SELECT
    d.dataset,
    d.substance,
    pr.is_current
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
WHERE
    pr.publication_id = %(publication_id)s
    AND pr.release_id NOT IN (SELECT s.release_id FROM unnest(%(release_ids)s::text[]) AS s (release_id))
