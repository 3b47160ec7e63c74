-- Shows the rows of a published release as they were read, with their place in the publisher's file.
-- plpgsql with a custom plan: partitions of other runs are pruned before they are locked. The name of the table comes
-- from ops.fact, never from the caller.
DROP FUNCTION IF EXISTS mart.source_row(text, text, text);
CREATE FUNCTION mart.source_row(of_fact text, of_release text, in_region text DEFAULT NULL)
RETURNS TABLE (
    release_id text,
    sheet_row integer,
    source_values jsonb,
    publication_id bigint
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    shown_publication bigint := (SELECT cp.publication_id FROM mart.current_publication AS cp);
    of_run bigint;
    has_region boolean;
BEGIN
    SELECT d.run_id, 'region_code' = ANY(f.core_key)
    INTO of_run, has_region
    FROM ops.publication_release AS pr
    INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
    INNER JOIN ops.fact AS f ON f.fact = of_fact
    WHERE pr.publication_id = shown_publication AND d.release_id = of_release;
    IF of_run IS NULL THEN
        RAISE EXCEPTION 'source_row: % is no fact, or % no release of this publication', of_fact, of_release
            USING HINT = 'SELECT release_id, dataset FROM mart.release lists the releases.';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT f.release_id, f.sheet_row, to_jsonb(f) - ''{run_id,release_id,sheet_row}''::text[], $3 '
        'FROM core.%I AS f WHERE f.run_id = $1 AND f.release_id = $2%s ORDER BY f.sheet_row',
        'fct_' || of_fact,
        CASE WHEN has_region AND in_region IS NOT NULL THEN ' AND f.region_code = $4' ELSE '' END
    ) USING of_run, of_release, shown_publication, in_region;
END
$$;
