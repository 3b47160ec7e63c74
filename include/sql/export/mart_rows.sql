-- Reads every row of a mart in the order of its key, for a file of the open data.
-- Columns are written as text that every program reads alike; rows are ordered by the bytes of the text, independent of
-- the database's collation.
SELECT {columns}
FROM {mart}
ORDER BY {key}
