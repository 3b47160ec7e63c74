-- A fact's rows of published releases in the order of their key, for their hash.
SELECT {columns}
FROM {rows} AS f
INNER JOIN core.dim_release AS d ON f.run_id = d.run_id AND f.release_id = d.release_id
WHERE d.state = 'published'
ORDER BY {key}
