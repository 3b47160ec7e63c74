-- Statistics for the facts of a publication before anybody asks them anything.
CREATE OR REPLACE FUNCTION ops.analyze_facts_partition(new_facts_id bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('ANALYZE mart_data.%I', format('emission_p%s', new_facts_id));
END
$$;
