-- Deletes the lineage, so that no row explains a removed column; nothing refers to it.
DELETE FROM core.dim_lineage
