-- Makes statistics over all partitions of a table.
-- Without them the planner expects a join on the release to find a handful of rows and goes through hundreds of
-- thousands of them once per region: 70 s instead of 1 s. PostgreSQL 18 leaves the partitions alone; earlier versions
-- sample them again. A sample of a fifth serves a join as well as a whole one, and every load waits for it; scans are
-- planned with each partition's own.
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
