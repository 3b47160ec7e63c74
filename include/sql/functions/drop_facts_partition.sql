-- Drops a partition of current facts that no publication refers to any more.
-- Every reader of the table holds a lock on all its partitions, and a waiting lock makes everybody behind it wait. So
-- it waits ten milliseconds at most, enough for readers at work to finish, and does nothing if the lock is not free.
-- DETACH CONCURRENTLY would wait for every reader, and cannot run in a function. Returns whether it was dropped; false
-- means that somebody reads or publishes: call again.
CREATE OR REPLACE FUNCTION ops.drop_facts_partition(fact_name text, old_facts_id bigint)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '10ms'
AS $$
DECLARE
    partition_name text := format('%s_p%s', fact_name, old_facts_id);
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('klimatpuls publish')) THEN
        RETURN false;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM ops.fact AS f WHERE f.fact = fact_name) THEN
        RAISE EXCEPTION 'drop_facts_partition: the contract has no fact %', fact_name;
    END IF;
    IF to_regclass(format('mart_data.%I', partition_name)) IS NULL THEN
        RETURN true;
    END IF;
    IF EXISTS (
        SELECT 1 FROM ops.publication_facts AS f WHERE f.fact = fact_name AND f.facts_id = old_facts_id
    ) OR EXISTS (
        SELECT 1
        FROM ops.publication AS p
        WHERE p.publication_id = old_facts_id AND p.state = 'building' AND p.dropped_at IS NULL
    ) THEN
        RAISE EXCEPTION 'drop_facts_partition: % is still part of a publication', partition_name;
    END IF;
    EXECUTE format('LOCK TABLE ONLY mart_data.%I IN ACCESS EXCLUSIVE MODE', fact_name);
    -- Whoever holds this one now is no reader, for readers come by the table: it is not waited for at all.
    EXECUTE format('LOCK TABLE ONLY mart_data.%I IN ACCESS EXCLUSIVE MODE NOWAIT', partition_name);
    EXECUTE format('DROP TABLE mart_data.%I', partition_name);
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN false;
END
$$;
