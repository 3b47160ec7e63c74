-- Reads the network's sums against the nation, for the digest.
SELECT
    s.panel,
    s.boundary,
    s.year,
    s.region_count,
    s.emissions_tco2e,
    s.population_count,
    s.emissions_t_per_capita,
    s.change_since_1990_pct,
    s.per_capita_change_since_1990_pct,
    s.per_capita_change_reason,
    s.widened_with,
    s.status_reason,
    s.confirmed_member_count,
    s.stated_member_count,
    s.publication_id
FROM mart.network_summary AS s
ORDER BY s.panel, s.boundary, s.year;
