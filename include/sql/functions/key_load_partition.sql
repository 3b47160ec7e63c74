-- Adds the key of the contract to a run's rows of a fact; a table that has one keeps it.
CREATE OR REPLACE FUNCTION ops.key_load_partition(fact_name text, load_run_id bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    partition_name text := format('fct_%s_r%s', fact_name, load_run_id);
    key_columns text;
BEGIN
    SELECT string_agg(quote_ident(k.name), ', ' ORDER BY k.place) INTO key_columns
    FROM ops.fact AS f
    CROSS JOIN LATERAL unnest(f.core_key) WITH ORDINALITY AS k (name, place)
    WHERE f.fact = fact_name;
    IF key_columns IS NULL THEN
        RAISE EXCEPTION 'key_load_partition: the contract has no fact %', fact_name;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM pg_constraint AS c
        WHERE c.conrelid = to_regclass(format('core.%I', partition_name)) AND c.contype = 'p'
    ) THEN
        EXECUTE format('ALTER TABLE core.%I ADD PRIMARY KEY (%s)', partition_name, key_columns);
    END IF;
END
$$;
