-- Creates a table for one source run's rows of a fact, outside the partitioned table.
-- attach_load_partition() attaches it. The loader owns nothing and may run no DDL: this function is its only way to a
-- new table. It runs in the load's transaction, so a load that fails leaves no table behind.
CREATE OR REPLACE FUNCTION ops.create_load_partition(fact_name text, load_run_id bigint)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent_name text := format('fct_%s', fact_name);
    partition_name text := format('%s_r%s', parent_name, load_run_id);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ops.fact AS f WHERE f.fact = fact_name) THEN
        RAISE EXCEPTION 'create_load_partition: the contract has no fact %', fact_name;
    END IF;
    EXECUTE format('CREATE TABLE core.%I (LIKE core.%I)', partition_name, parent_name);
    EXECUTE format('ALTER TABLE core.%I ADD CHECK (run_id = %s)', partition_name, load_run_id);
    EXECUTE format('GRANT SELECT, INSERT ON core.%I TO wh_loader', partition_name);
    RETURN partition_name;
END
$$;
