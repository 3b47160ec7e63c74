-- The municipal totals, without international transport, that the current release moved most, in tonnes.
SELECT
    region_code,
    region_name,
    year,
    from_published_date,
    to_published_date,
    old_emissions_tco2e,
    new_emissions_tco2e,
    difference_tco2e,
    difference_pct,
    movement_rank,
    publication_id
FROM mart.revision
WHERE
    is_current
    AND substance = 'ghg'
    AND boundary = 'territorial'
    AND sector_code = 'all'
    AND level = 'municipality'
    AND movement_rank <= 25
ORDER BY movement_rank
