-- One hash over the rows of a mart, in the order of their text.
SELECT encode(sha256(convert_to(coalesce(string_agg(r.line, '|' ORDER BY r.line), ''), 'UTF8')), 'hex')
FROM (SELECT (row({columns}))::text COLLATE "C" AS line FROM {mart}) AS r
