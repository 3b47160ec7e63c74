-- Shows air pollutants of every published release, side by side.
CREATE OR REPLACE VIEW mart.air_pollutant_by_release AS
SELECT
    f.region_code,
    r.region_name,
    r.level,
    r.county_code,
    f.year,
    f.sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    f.substance,
    b.substance_name_sv,
    b.substance_name_en,
    f.emissions_t,
    f.release_id,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
INNER JOIN core.dim_substance AS b ON d.substance = b.substance
INNER JOIN core.fct_air_pollutant AS f ON d.run_id = f.run_id AND d.release_id = f.release_id
INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
