-- Reads the last change of every area by sector, with its national and own part.
SELECT
    c.region_code,
    c.sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    c.first_tco2e,
    c.last_tco2e,
    c.change_pct,
    c.own_part_tco2e,
    c.own_part_status,
    q.geographic_worst AS quality,
    c.publication_id
FROM mart.change_part AS c
INNER JOIN mart.region_overview AS o
    ON c.region_code = o.region_code AND c.first_year = o.previous_year AND c.last_year = o.last_year
INNER JOIN mart.sector AS s ON c.sector_code = s.sector_code
LEFT JOIN mart.sector_quality AS q ON c.sector_code = q.sector_code
WHERE c.sector_code != 'all'
ORDER BY c.region_code, s.sort_order;
