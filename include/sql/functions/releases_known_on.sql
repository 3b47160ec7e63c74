-- Lists, of the releases of the current publication, the newest of each series that was known on a day.
-- Withdrawn releases are not among them: they were never right.
CREATE OR REPLACE FUNCTION ops.releases_known_on(known_on date, dataset_names text[])
RETURNS TABLE (release_id text, run_id bigint)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT ON (d.dataset, d.substance)
        d.release_id,
        d.run_id
    FROM ops.publication_release AS pr
    INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
    WHERE
        pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        AND d.dataset = ANY(dataset_names)
        AND d.known_from <= known_on
    ORDER BY
        d.dataset, d.substance, d.published_date DESC, d.known_from DESC, d.approval_number DESC
$$;
