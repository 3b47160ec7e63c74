-- Statistics over all partitions of a table. Without them the planner takes a join on the release to find a
-- handful of rows and goes through hundreds of thousands of them once per region: 70 s where 1 s will do.
-- PostgreSQL 18 leaves the partitions alone; before, they are sampled again. A sample of a fifth tells as much of a
-- join as a whole one, and every load waits for it; what a scan is planned with is each partition's own.
CREATE OR REPLACE FUNCTION ops.analyze_partitioned(schema_name text, table_name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET default_statistics_target = '20'
AS $$
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        EXECUTE format('ANALYZE ONLY %I.%I', schema_name, table_name);
    ELSE
        EXECUTE format('ANALYZE %I.%I', schema_name, table_name);
    END IF;
END
$$;
