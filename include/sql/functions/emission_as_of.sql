-- Shows emissions as they were known on a day: the newest release, then years that only older releases have.
-- The second kind is marked. plpgsql with custom plans: partitions of other runs are pruned before they are locked; at
-- 600 releases a plain view would lock and plan every one.
DROP FUNCTION IF EXISTS mart.emission_as_of(date, text, text);
CREATE FUNCTION mart.emission_as_of(known_on date, of_substance text, in_region text DEFAULT NULL)
RETURNS TABLE (
    region_code text,
    region_name text,
    level text,
    county_code text,
    year smallint,
    sector_code text,
    sector_name_sv text,
    sector_name_en text,
    substance text,
    emissions_tco2e double precision,
    status text,
    national_quality smallint,
    geographic_quality smallint,
    quality_reason text,
    release_id text,
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
    one record;
    years_told smallint[] := '{}';
BEGIN
    FOR one IN
        SELECT d.release_id, d.run_id, d.years
        FROM ops.publication_release AS pr
        INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
        INNER JOIN core.dim_substance AS b ON d.substance = b.substance AND b.is_greenhouse_gas
        WHERE pr.publication_id = shown_publication AND d.substance = of_substance AND d.known_from <= known_on
        ORDER BY d.published_date DESC, d.known_from DESC, d.approval_number DESC
    LOOP
        CONTINUE WHEN one.years <@ years_told;
        RETURN QUERY
        SELECT
            f.region_code, r.region_name, r.level, r.county_code, f.year, f.sector_code, s.sector_name_sv,
            s.sector_name_en, f.substance, f.emissions,
            CASE WHEN years_told = '{}' THEN 'observed' ELSE 'no_longer_published' END,
            q.national_worst, q.geographic_worst,
            CASE WHEN q.sector_code IS NULL THEN 'total' WHEN q.national_worst IS NULL THEN 'not_read' END, f.release_id, shown_publication
        FROM core.fct_emission AS f
        INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
        INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
        LEFT JOIN core.dim_sector_quality AS q ON split_part(s.sector_code, '.', 1) = q.sector_code
        WHERE f.run_id = one.run_id AND f.release_id = one.release_id AND f.year <> ALL(years_told)
            AND (in_region IS NULL OR f.region_code = in_region);
        years_told := years_told || one.years;
    END LOOP;
END
$$;
