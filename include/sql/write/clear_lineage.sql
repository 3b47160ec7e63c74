-- Nothing refers to a row of it, and a column that is gone must not go on being explained.
DELETE FROM core.dim_lineage
