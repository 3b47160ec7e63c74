-- Reads the columns of a table and none of its rows.
SELECT r.* FROM {rows} AS r -- noqa: AM04
WHERE FALSE
