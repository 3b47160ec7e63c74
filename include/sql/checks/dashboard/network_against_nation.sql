-- The network's per capita emissions and change since 1990 beside the nation's, over the years.
SELECT
    year,
    panel,
    boundary,
    region_count,
    emissions_tco2e,
    emissions_t_per_capita,
    change_since_1990_pct,
    status,
    publication_id
FROM mart.network_summary
WHERE boundary = 'territorial' AND panel IN ('nation', 'members_today', 'rest_of_sweden')
ORDER BY panel, year
