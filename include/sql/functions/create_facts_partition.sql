-- The room for the current rows of a fact under one publication, attached empty: unseen until the publication
-- is the current one.
CREATE OR REPLACE FUNCTION ops.create_facts_partition(fact_name text, new_facts_id bigint)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    partition_name text := format('%s_p%s', fact_name, new_facts_id);
    key_columns text;
BEGIN
    SELECT string_agg(quote_ident(k.name), ', ' ORDER BY k.place) INTO key_columns
    FROM ops.fact AS f
    CROSS JOIN LATERAL unnest(f.mart_key) WITH ORDINALITY AS k (name, place)
    WHERE f.fact = fact_name;
    IF key_columns IS NULL THEN
        RAISE EXCEPTION 'create_facts_partition: the contract has no fact %', fact_name;
    END IF;
    EXECUTE format('CREATE TABLE mart_data.%I (LIKE mart_data.%I INCLUDING CONSTRAINTS)', partition_name, fact_name);
    EXECUTE format('ALTER TABLE mart_data.%I ADD CHECK (facts_id = %s)', partition_name, new_facts_id);
    EXECUTE format('ALTER TABLE mart_data.%I ADD PRIMARY KEY (%s)', partition_name, key_columns);
    EXECUTE format('ALTER TABLE mart_data.%I ATTACH PARTITION mart_data.%I FOR VALUES IN (%s)',
        fact_name, partition_name, new_facts_id);
    EXECUTE format('GRANT SELECT, INSERT ON mart_data.%I TO wh_loader', partition_name);
    RETURN partition_name;
END
$$;
