-- Statistics for the rows of a publication before anybody asks them anything: the partition's, which its scan is
-- planned with, and the whole table's, which joins are. Autovacuum never gives a partitioned table its own.
CREATE OR REPLACE FUNCTION ops.analyze_facts_partition(fact_name text, new_facts_id bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('ANALYZE mart_data.%I', format('%s_p%s', fact_name, new_facts_id));
    PERFORM ops.analyze_partitioned('mart_data', fact_name);
END
$$;
