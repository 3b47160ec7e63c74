-- Shows every municipality on one row: names, population, key results and largest sector.
CREATE OR REPLACE VIEW mart.municipality_overview AS
SELECT
    d.region_code,
    r.region_name,
    r.county_code,
    c.region_name AS county_name,
    r.sort_sv,
    d.is_member,
    d.last_year,
    p.population_count,
    d.territorial_tco2e,
    d.territorial_t_per_capita,
    d.per_capita_reason,
    d.effort_sharing_proxy_tco2e,
    d.published_total_tco2e,
    d.change_since_1990_pct,
    d.change_since_1990_reason,
    d.previous_year,
    d.change_since_previous_year_pct,
    d.change_since_previous_year_reason,
    d.national_part_pct,
    d.own_part_pct,
    d.own_part_status,
    d.scaled_share_pct,
    d.revision_of_previous_year_pct,
    d.revision_reason,
    d.earlier_release_id,
    d.change_printed_pct,
    d.national_part_printed_pct,
    d.own_part_printed_pct,
    l.sector_code AS largest_sector_code,
    l.sector_name_sv AS largest_sector_name_sv,
    l.sector_name_en AS largest_sector_name_en,
    CASE WHEN d.territorial_tco2e > 0 THEN 100.0 * l.emissions_tco2e / d.territorial_tco2e END
        AS largest_sector_share_pct,
    q.national_worst AS largest_sector_national_quality,
    q.geographic_worst AS largest_sector_geographic_quality,
    d.outside_trading_tco2e,
    d.outside_trading_reason,
    d.without_plant_sectors_tco2e,
    d.leads_with,
    d.flags,
    d.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.region_overview AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code AND r.level = 'municipality'
INNER JOIN core.dim_region AS c ON r.county_code = c.region_code
LEFT JOIN mart_data.population AS p
    ON
        d.region_code = p.region_code
        AND d.last_year = p.year
        AND p.facts_id = (
            SELECT pf.facts_id
            FROM ops.publication_facts AS pf
            WHERE
                pf.fact = 'population'
                AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        )
LEFT JOIN LATERAL (
    SELECT
        s.sector_code,
        s.sector_name_sv,
        s.sector_name_en,
        f.emissions_tco2e
    FROM core.dim_sector AS s
    INNER JOIN mart_data.emission AS f ON s.sector_code = f.sector_code
    WHERE
        f.facts_id = (
            SELECT pf.facts_id
            FROM ops.publication_facts AS pf
            WHERE
                pf.fact = 'emission'
                AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
        )
        AND f.region_code = d.region_code
        AND f.year = d.last_year
        AND f.substance = 'ghg'
        -- Where the overview could not be calculated it is of an earlier release: no share of two releases.
        AND f.release_id = d.release_id
        AND s.is_main
        AND s.sector_code <> 'international_transport'
    ORDER BY f.emissions_tco2e DESC, s.sort_order
    LIMIT 1
) AS l ON TRUE
LEFT JOIN core.dim_sector_quality AS q ON l.sector_code = q.sector_code
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
