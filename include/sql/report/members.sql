-- Lists confirmed members that had not left by the date of the publication, in Swedish order.
-- The same rule as for the network's sums. A region shows its county's row.
SELECT
    m.region_code,
    m.region_name,
    m.level,
    o.last_year,
    o.previous_year,
    o.territorial_tco2e,
    o.territorial_t_per_capita,
    o.per_capita_reason,
    o.change_since_1990_pct,
    o.change_since_previous_year_pct,
    o.national_part_pct,
    o.own_part_pct,
    o.own_part_status,
    o.scaled_share_pct,
    o.revision_of_previous_year_pct,
    v.difference_tco2e AS revision_of_previous_year_tco2e,
    o.outside_trading_tco2e,
    o.without_plant_sectors_tco2e,
    o.leads_with,
    o.flags,
    m.publication_id
FROM mart.member AS m
INNER JOIN mart.region AS r ON m.region_code = r.region_code
INNER JOIN mart.publication AS p ON m.publication_id = p.publication_id
LEFT JOIN mart.region_overview AS o ON m.region_code = o.region_code
LEFT JOIN mart.revision AS v
    ON
        m.region_code = v.region_code
        AND o.previous_year = v.year
        AND v.is_current
        AND v.substance = 'ghg'
        AND v.boundary = 'territorial'
        AND v.sector_code = 'all'
WHERE
    m.confirmed
    AND (m.left_on IS NULL OR m.left_on > p.as_of_date)
ORDER BY r.sort_sv;
