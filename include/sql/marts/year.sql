-- Lists the years with emissions or population of the nation.
CREATE OR REPLACE VIEW mart.year AS
SELECT
    y.year,
    bool_or(y.has_emissions) AS has_emissions,
    bool_or(y.has_population) AS has_population,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM (
    SELECT
        f.year,
        TRUE AS has_emissions,
        FALSE AS has_population
    FROM mart_data.emission AS f
    WHERE
        f.facts_id = (
            SELECT pf.facts_id
            FROM ops.publication_facts AS pf
            WHERE
                pf.fact = 'emission'
                AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        )
        AND f.region_code = '00' AND f.sector_code = 'all'
    UNION ALL
    SELECT
        p.year,
        FALSE AS has_emissions,
        TRUE AS has_population
    FROM mart_data.population AS p
    WHERE
        p.facts_id = (
            SELECT pf.facts_id
            FROM ops.publication_facts AS pf
            WHERE
                pf.fact = 'population'
                AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        )
        AND p.region_code = '00'
) AS y
GROUP BY y.year;
