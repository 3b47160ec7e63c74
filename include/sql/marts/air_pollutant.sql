-- Shows air pollutants of the current releases, with names of areas, sectors and substances.
CREATE OR REPLACE VIEW mart.air_pollutant AS
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
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.air_pollutant AS f
INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
INNER JOIN core.dim_substance AS b ON f.substance = b.substance
WHERE
    f.facts_id = (
        SELECT pf.facts_id
        FROM ops.publication_facts AS pf
        WHERE
            pf.fact = 'air_pollutant'
            AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
    );
