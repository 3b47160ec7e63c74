-- Shows the areas with the name of their county.
CREATE OR REPLACE VIEW mart.region AS
SELECT
    r.region_code,
    r.region_name,
    r.level,
    r.county_code,
    c.region_name AS county_name,
    r.sort_sv,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM core.dim_region AS r
LEFT JOIN core.dim_region AS c ON r.county_code = c.region_code AND c.level = 'county';
