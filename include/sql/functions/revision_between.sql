-- Every cell of two releases of one substance side by side, sub-sectors and unchanged cells included.
DROP FUNCTION IF EXISTS mart.revision_between(text, text);
CREATE FUNCTION mart.revision_between(from_release text, to_release text)
RETURNS TABLE (
    region_code text,
    region_name text,
    level text,
    county_code text,
    sector_code text,
    sector_name_sv text,
    sector_name_en text,
    year smallint,
    old_emissions_tco2e double precision,
    new_emissions_tco2e double precision,
    difference_tco2e double precision,
    difference_pct double precision,
    change text,
    publication_id bigint
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    shown_publication bigint := (SELECT cp.publication_id FROM mart.current_publication AS cp);
    run_ids bigint[];
    substances text[];
BEGIN
    SELECT
        array_agg(d.run_id ORDER BY x.place),
        array_agg(DISTINCT d.substance)
    INTO run_ids, substances
    FROM unnest(ARRAY[from_release, to_release]) WITH ORDINALITY AS x (release_id, place)
    INNER JOIN ops.publication_release AS pr
        ON x.release_id = pr.release_id AND pr.publication_id = shown_publication
    INNER JOIN core.dim_release AS d ON x.release_id = d.release_id
    INNER JOIN core.dim_substance AS b ON d.substance = b.substance AND b.is_greenhouse_gas;
    IF coalesce(cardinality(run_ids), 0) <> 2 OR cardinality(substances) <> 1 THEN
        RAISE EXCEPTION 'revision_between: % and % must be two published releases of emissions of one greenhouse gas',
            from_release, to_release
            USING HINT = 'SELECT release_id FROM mart.release lists them.';
    END IF;
    RETURN QUERY
    SELECT
        c.region_code, r.region_name, r.level, r.county_code, c.sector_code, s.sector_name_sv, s.sector_name_en,
        c.year, c.old_t, c.new_t, c.new_t - c.old_t,
        CASE WHEN c.old_t > 0 THEN 100.0 * (c.new_t - c.old_t) / c.old_t END,
        CASE
            WHEN c.old_t IS NULL THEN 'appeared'
            WHEN c.new_t IS NULL THEN 'vanished'
            WHEN c.new_t <> c.old_t THEN 'revised'
            ELSE 'unchanged'
        END,
        shown_publication
    FROM (
        SELECT
            coalesce(n.region_code, o.region_code) AS region_code,
            coalesce(n.sector_code, o.sector_code) AS sector_code,
            coalesce(n.year, o.year) AS year,
            o.emissions AS old_t,
            n.emissions AS new_t
        FROM (
            SELECT f.region_code, f.sector_code, f.year, f.emissions
            FROM core.fct_emission AS f
            WHERE f.run_id = run_ids[2] AND f.release_id = to_release
        ) AS n
        FULL OUTER JOIN (
            SELECT f.region_code, f.sector_code, f.year, f.emissions
            FROM core.fct_emission AS f
            WHERE f.run_id = run_ids[1] AND f.release_id = from_release
        ) AS o ON n.region_code = o.region_code AND n.sector_code = o.sector_code AND n.year = o.year
    ) AS c
    INNER JOIN core.dim_region AS r ON c.region_code = r.region_code
    INNER JOIN core.dim_sector AS s ON c.sector_code = s.sector_code;
END
$$;
