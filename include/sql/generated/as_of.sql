-- Shows a plain mart as it was known on a day: filled in from the contract, once per function without a file.
DROP FUNCTION IF EXISTS mart.{name}(date);
CREATE FUNCTION mart.{name}(known_on date)
RETURNS TABLE (
    {returned}
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Custom plans: the runs are constants when the query is planned, so partitions of other runs are pruned before they
-- are locked.
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    run_ids bigint[];
    release_ids text[];
BEGIN
    SELECT array_agg(x.run_id), array_agg(x.release_id) INTO run_ids, release_ids
    FROM ops.releases_known_on(known_on, ARRAY[{datasets}]::text[]) AS x;
    RETURN QUERY
    SELECT DISTINCT ON ({key})
        {select}
    FROM core.{table} AS f
    INNER JOIN core.dim_release AS d ON f.release_id = d.release_id
    {joins}
    WHERE f.run_id = ANY(run_ids) AND f.release_id = ANY(release_ids)
    ORDER BY {key}, {fall_back}d.published_date DESC, d.known_from DESC, d.dataset;
END
$$;
