-- Creates a table for the current rows of a fact under one publication, outside the partitioned table.
-- attach_facts_partition() attaches it. It is filled without a key: sorting once costs a third of keeping it sorted.
CREATE OR REPLACE FUNCTION ops.create_facts_partition(fact_name text, new_facts_id bigint)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    partition_name text := format('%s_p%s', fact_name, new_facts_id);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ops.fact AS f WHERE f.fact = fact_name) THEN
        RAISE EXCEPTION 'create_facts_partition: the contract has no fact %', fact_name;
    END IF;
    EXECUTE format('CREATE TABLE mart_data.%I (LIKE mart_data.%I INCLUDING CONSTRAINTS)', partition_name, fact_name);
    EXECUTE format('ALTER TABLE mart_data.%I ADD CHECK (facts_id = %s)', partition_name, new_facts_id);
    EXECUTE format('GRANT SELECT, INSERT ON mart_data.%I TO wh_loader', partition_name);
    RETURN partition_name;
END
$$;
