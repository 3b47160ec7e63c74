-- Air pollutants as they were known on a day: the newest release of that day, as mart.air_pollutant shows them.
DROP FUNCTION IF EXISTS mart.air_pollutant_as_of(date, text, text);
CREATE FUNCTION mart.air_pollutant_as_of(known_on date, of_substance text, in_region text DEFAULT NULL)
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
    substance_name_sv text,
    substance_name_en text,
    emissions_t double precision,
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
    one record;
BEGIN
    SELECT x.release_id, x.run_id INTO one
    FROM ops.releases_known_on(known_on, ARRAY['smhi_air_pollutants']) AS x
    INNER JOIN core.dim_release AS d ON x.release_id = d.release_id
    WHERE d.substance = of_substance;
    RETURN QUERY
    SELECT
        f.region_code, r.region_name, r.level, r.county_code, f.year, f.sector_code, s.sector_name_sv,
        s.sector_name_en, f.substance, b.substance_name_sv, b.substance_name_en, f.emissions_t, f.release_id,
        (SELECT cp.publication_id FROM mart.current_publication AS cp)
    FROM core.fct_air_pollutant AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    INNER JOIN core.dim_substance AS b ON f.substance = b.substance
    WHERE f.run_id = one.run_id AND f.release_id = one.release_id
        AND (in_region IS NULL OR f.region_code = in_region);
END
$$;
