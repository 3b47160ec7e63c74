-- Adds key and statistics to a publication's rows of a fact and attaches them; no publication points at them yet.
-- The CHECK made at creation lets ATTACH skip its scan, and ATTACH takes only SHARE UPDATE EXCLUSIVE on the table:
-- readers never wait. Statistics are made before the first query: those of the partition, with which its scan is
-- planned, and those of the whole table, with which joins are; autovacuum never gives a partitioned table its own.
CREATE OR REPLACE FUNCTION ops.attach_facts_partition(fact_name text, new_facts_id bigint)
RETURNS void
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
        RAISE EXCEPTION 'attach_facts_partition: the contract has no fact %', fact_name;
    END IF;
    EXECUTE format('ALTER TABLE mart_data.%I ADD PRIMARY KEY (%s)', partition_name, key_columns);
    EXECUTE format('ALTER TABLE mart_data.%I ATTACH PARTITION mart_data.%I FOR VALUES IN (%s)',
        fact_name, partition_name, new_facts_id);
    EXECUTE format('ANALYZE mart_data.%I', partition_name);
    PERFORM ops.analyze_partitioned('mart_data', fact_name);
END
$$;
