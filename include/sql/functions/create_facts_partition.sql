-- The room for the current facts of one publication, attached empty: unseen until the pointer names it.
CREATE OR REPLACE FUNCTION ops.create_facts_partition(new_facts_id bigint)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    partition_name text := format('emission_p%s', new_facts_id);
BEGIN
    EXECUTE format('CREATE TABLE mart_data.%I (LIKE mart_data.emission INCLUDING CONSTRAINTS)', partition_name);
    EXECUTE format('ALTER TABLE mart_data.%I ADD CHECK (facts_id = %s)', partition_name, new_facts_id);
    EXECUTE format('ALTER TABLE mart_data.%I ADD PRIMARY KEY (region_code, sector_code, substance, year)',
        partition_name);
    EXECUTE format('ALTER TABLE mart_data.emission ATTACH PARTITION mart_data.%I FOR VALUES IN (%s)',
        partition_name, new_facts_id);
    EXECUTE format('GRANT SELECT, INSERT ON mart_data.%I TO wh_loader', partition_name);
    RETURN partition_name;
END
$$;
