-- Every row of a mart in the order of its key, for a file of the open data. The columns come as text that any
-- program reads alike, the order as the bytes of the text, whatever the database's collation.
SELECT {columns}
FROM {mart}
ORDER BY {key}
