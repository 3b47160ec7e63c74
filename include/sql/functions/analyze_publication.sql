-- Makes statistics for the few rows that say what a publication shows.
-- They are too few for autovacuum, and every view joins them.
CREATE OR REPLACE FUNCTION ops.analyze_publication()
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    ANALYZE core.dim_release, ops.publication_release, ops.publication_facts, mart.current_publication;
END
$$;
