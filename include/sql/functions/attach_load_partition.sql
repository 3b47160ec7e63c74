-- Key, statistics and attach of a run's rows. The CHECK made at creation lets ATTACH skip its scan, and
-- ATTACH takes only SHARE UPDATE EXCLUSIVE on the parent: readers never wait.
CREATE OR REPLACE FUNCTION ops.attach_load_partition(fact_name text, load_run_id bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent_name text := format('fct_%s', fact_name);
    partition_name text := format('%s_r%s', parent_name, load_run_id);
    key_columns text;
BEGIN
    SELECT string_agg(quote_ident(k.name), ', ' ORDER BY k.place) INTO key_columns
    FROM ops.fact AS f
    CROSS JOIN LATERAL unnest(f.core_key) WITH ORDINALITY AS k (name, place)
    WHERE f.fact = fact_name;
    IF key_columns IS NULL THEN
        RAISE EXCEPTION 'attach_load_partition: the contract has no fact %', fact_name;
    END IF;
    EXECUTE format('ALTER TABLE core.%I ADD PRIMARY KEY (%s)', partition_name, key_columns);
    EXECUTE format('ALTER TABLE core.%I ATTACH PARTITION core.%I FOR VALUES IN (%s)',
        parent_name, partition_name, load_run_id);
    EXECUTE format('REVOKE INSERT ON core.%I FROM wh_loader', partition_name);
    EXECUTE format('ANALYZE core.%I', partition_name);
    PERFORM ops.analyze_partitioned('core', parent_name);
END
$$;
