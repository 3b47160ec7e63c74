-- The columns of a table.
SELECT r.* FROM {rows} AS r
LIMIT 0
