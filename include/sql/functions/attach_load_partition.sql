-- Key, statistics and attach of a run's facts. The CHECK made at creation lets ATTACH skip its scan, and
-- ATTACH takes only SHARE UPDATE EXCLUSIVE on the parent: readers never wait.
CREATE OR REPLACE FUNCTION ops.attach_load_partition(fact text, load_run_id bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    partition_name text := format('%s_r%s', fact, load_run_id);
    key_columns text;
BEGIN
    key_columns := CASE fact
        WHEN 'fct_emission' THEN 'release_id, substance, region_code, sector_code, year'
        WHEN 'fct_population' THEN 'release_id, region_code, year'
    END;
    IF key_columns IS NULL THEN
        RAISE EXCEPTION 'attach_load_partition: % is no fact table that is loaded by run', fact;
    END IF;
    EXECUTE format('ALTER TABLE core.%I ADD PRIMARY KEY (%s)', partition_name, key_columns);
    EXECUTE format('ALTER TABLE core.%I ATTACH PARTITION core.%I FOR VALUES IN (%s)',
        fact, partition_name, load_run_id);
    EXECUTE format('REVOKE INSERT ON core.%I FROM wh_loader', partition_name);
    EXECUTE format('ANALYZE core.%I', partition_name);
END
$$;
