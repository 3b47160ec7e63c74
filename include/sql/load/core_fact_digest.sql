-- One hash over a fact's rows of published releases, in the order of their text.
SELECT encode(sha256(convert_to(coalesce(string_agg(r.line, '|' ORDER BY r.line), ''), 'UTF8')), 'hex')
FROM (
    SELECT (row({columns}))::text COLLATE "C" AS line
    FROM {rows} AS f
    INNER JOIN core.dim_release AS d ON f.run_id = d.run_id AND f.release_id = d.release_id
    WHERE d.state = 'published'
) AS r
