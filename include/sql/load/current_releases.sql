SELECT pr.release_id
FROM ops.publication_release AS pr
WHERE pr.publication_id = %(publication_id)s AND pr.is_current
ORDER BY pr.release_id
