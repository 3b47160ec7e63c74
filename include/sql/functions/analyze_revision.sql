-- Makes statistics for movements between releases, after a pair of them was written.
-- Without them a reader of one pair goes through its thousands of rows one by one.
CREATE OR REPLACE FUNCTION ops.analyze_revision()
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    ANALYZE core.revision, core.revision_pair;
END
$$;
