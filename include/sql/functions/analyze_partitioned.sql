-- Statistics over all partitions of a table. Without them the planner takes a join on the release to find a
-- handful of rows and goes through hundreds of thousands of them once per region: 70 s where 1 s will do.
-- PostgreSQL 18 leaves the partitions alone; before, they are sampled again.
CREATE OR REPLACE FUNCTION ops.analyze_partitioned(schema_name text, table_name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        EXECUTE format('ANALYZE ONLY %I.%I', schema_name, table_name);
    ELSE
        EXECUTE format('ANALYZE %I.%I', schema_name, table_name);
    END IF;
END
$$;
