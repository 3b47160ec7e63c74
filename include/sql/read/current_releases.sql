-- Lists the current releases of the present publication.
SELECT
    pr.release_id,
    d.dataset,
    pr.is_current
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
WHERE pr.publication_id = %(publication_id)s
ORDER BY pr.release_id
