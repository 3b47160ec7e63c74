CREATE OR REPLACE VIEW mart.population AS
SELECT
    p.region_code,
    r.region_name,
    r.level,
    r.county_code,
    p.year,
    p.population_count,
    p.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.population AS p
INNER JOIN core.dim_region AS r ON p.region_code = r.region_code
WHERE p.facts_id = (SELECT cp.population_facts_id FROM mart.current_publication AS cp);
