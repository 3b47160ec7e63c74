-- Lists every area in Swedish order with its current figures and its place in the network.
SELECT
    r.region_code,
    r.region_name,
    r.level,
    r.county_code,
    r.county_name,
    CASE
        WHEN m.confirmed AND (m.left_on IS NULL OR m.left_on > p.as_of_date) THEN 'member'
        WHEN m.is_applicant THEN 'applicant'
    END AS member_kind,
    o.last_year,
    o.previous_year,
    o.territorial_tco2e,
    o.territorial_t_per_capita AS t_per_capita,
    o.per_capita_reason,
    o.change_since_1990_pct,
    o.change_since_previous_year_pct AS change_since_previous_pct,
    o.national_part_pct,
    o.own_part_pct,
    o.own_part_status,
    o.scaled_share_pct,
    o.leads_with,
    o.outside_trading_tco2e,
    o.without_plant_sectors_tco2e,
    o.flags,
    r.publication_id
FROM mart.region AS r
CROSS JOIN mart.publication AS p
LEFT JOIN mart.member AS m ON r.region_code = m.region_code
LEFT JOIN mart.region_overview AS o ON r.region_code = o.region_code
ORDER BY r.sort_sv;
