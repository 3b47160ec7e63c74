-- The members that are municipalities, in Swedish order.
SELECT
    region_code,
    region_name,
    county_name,
    last_year,
    population_count,
    territorial_tco2e,
    territorial_t_per_capita,
    per_capita_reason,
    change_since_1990_pct,
    change_since_previous_year_pct,
    national_part_pct,
    own_part_pct,
    change_printed_pct,
    national_part_printed_pct,
    own_part_printed_pct,
    own_part_status,
    scaled_share_pct,
    largest_sector_name_sv,
    largest_sector_share_pct,
    outside_trading_tco2e,
    without_plant_sectors_tco2e,
    leads_with,
    flags,
    publication_id
FROM mart.municipality_overview
WHERE is_member
ORDER BY sort_sv
