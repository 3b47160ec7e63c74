-- Shows current emissions with one column per main sector.
CREATE OR REPLACE VIEW mart.emission_wide_by_sector AS
SELECT
    w.region_code,
    r.region_name,
    r.level,
    r.county_code,
    w.year,
    w.substance,
    w.all_sectors_tco2e,
    w.all_sectors_tco2e - coalesce(w.international_transport_tco2e, 0) AS territorial_tco2e,
    w.transport_tco2e,
    w.industry_tco2e,
    w.power_heat_tco2e,
    w.agriculture_tco2e,
    w.own_heating_tco2e,
    w.machinery_tco2e,
    w.product_use_tco2e,
    w.waste_tco2e,
    w.international_transport_tco2e,
    w.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM (
    SELECT
        f.region_code,
        f.year,
        f.substance,
        f.release_id,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'all') AS all_sectors_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'transport') AS transport_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'industry') AS industry_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'power_heat') AS power_heat_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'agriculture') AS agriculture_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'own_heating') AS own_heating_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'machinery') AS machinery_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'product_use') AS product_use_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'waste') AS waste_tco2e,
        max(f.emissions_tco2e) FILTER (WHERE f.sector_code = 'international_transport')
            AS international_transport_tco2e
    FROM mart_data.emission AS f
    WHERE
        f.facts_id = (
            SELECT pf.facts_id
            FROM ops.publication_facts AS pf
            WHERE
                pf.fact = 'emission'
                AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        )
        AND f.sector_code IN (
            'all', 'transport', 'industry', 'power_heat', 'agriculture', 'own_heating', 'machinery', 'product_use',
            'waste', 'international_transport'
        )
    GROUP BY f.region_code, f.year, f.substance, f.release_id
) AS w
INNER JOIN core.dim_region AS r ON w.region_code = r.region_code;
