-- A table for one source run's facts, outside the partitioned table until attach_load_partition() shows it.
-- The loader owns nothing and may run no DDL of its own: this function is its only way to a new table.
-- It runs inside the load's transaction, so a load that fails leaves no table behind.
CREATE OR REPLACE FUNCTION ops.create_load_partition(fact text, load_run_id bigint)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    partition_name text := format('%s_r%s', fact, load_run_id);
BEGIN
    IF fact NOT IN ('fct_emission', 'fct_population') THEN
        RAISE EXCEPTION 'create_load_partition: % is no fact table that is loaded by run', fact;
    END IF;
    EXECUTE format('CREATE TABLE core.%I (LIKE core.%I)', partition_name, fact);
    EXECUTE format('ALTER TABLE core.%I ADD CHECK (run_id = %s)', partition_name, load_run_id);
    EXECUTE format('GRANT SELECT, INSERT ON core.%I TO wh_loader', partition_name);
    RETURN partition_name;
END
$$;
