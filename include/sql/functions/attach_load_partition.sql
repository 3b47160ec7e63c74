-- Adds key and statistics to a run's rows and attaches them.
-- The CHECK made at creation lets ATTACH skip its scan, and ATTACH takes only SHARE UPDATE EXCLUSIVE on the parent:
-- readers never wait.
CREATE OR REPLACE FUNCTION ops.attach_load_partition(fact_name text, load_run_id bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent_name text := format('fct_%s', fact_name);
    partition_name text := format('%s_r%s', parent_name, load_run_id);
BEGIN
    PERFORM ops.key_load_partition(fact_name, load_run_id);
    EXECUTE format('ALTER TABLE core.%I ATTACH PARTITION core.%I FOR VALUES IN (%s)',
        parent_name, partition_name, load_run_id);
    EXECUTE format('REVOKE INSERT ON core.%I FROM wh_loader', partition_name);
    EXECUTE format('ANALYZE core.%I', partition_name);
    PERFORM ops.analyze_partitioned('core', parent_name);
END
$$;
