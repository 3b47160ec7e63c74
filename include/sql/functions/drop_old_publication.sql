-- Deletes the results of a publication and its references to facts; its record stays, marked.
-- Rows are deleted, so no reader waits, and none sees a row vanish that its transaction could see. Afterwards
-- drop_facts_partition() drops the partitions of facts that nothing refers to any more.
-- Returns the rows deleted, or NULL while a publisher is at work: call again.
CREATE OR REPLACE FUNCTION ops.drop_old_publication(
    old_publication_id bigint, keep_newest integer, keep_since timestamptz
)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result_table regclass;
    deleted bigint;
    total bigint := 0;
BEGIN
    -- A publisher may be about to share the facts of an earlier publication.
    IF NOT pg_try_advisory_xact_lock(hashtext('klimatpuls publish')) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        SELECT 1
        FROM ops.publication AS p
        WHERE p.publication_id = old_publication_id AND p.dropped_at IS NOT NULL
    ) THEN
        RETURN 0;
    END IF;
    IF old_publication_id NOT IN (SELECT d.id FROM ops.publications_to_drop(keep_newest, keep_since) AS d (id)) THEN
        RAISE EXCEPTION 'drop_old_publication: publication % is kept: it is not there, current, among the newest %, '
            'was shown since %, or a mail about it is due', old_publication_id, keep_newest, keep_since;
    END IF;
    FOR result_table IN
        SELECT c.oid
        FROM pg_class AS c
        INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attname = 'publication_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'mart_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        ORDER BY c.relname
    LOOP
        EXECUTE format('DELETE FROM %s WHERE publication_id = $1', result_table) USING old_publication_id;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        total := total + deleted;
    END LOOP;
    DELETE FROM ops.publication_facts AS f WHERE f.publication_id = old_publication_id;
    UPDATE ops.publication AS p SET dropped_at = clock_timestamp() WHERE p.publication_id = old_publication_id;
    RETURN total;
END
$$;
