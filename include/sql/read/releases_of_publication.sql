-- Lists the releases of a publication.
SELECT pr.release_id
FROM ops.publication_release AS pr
WHERE pr.publication_id = %(publication_id)s
ORDER BY pr.release_id
