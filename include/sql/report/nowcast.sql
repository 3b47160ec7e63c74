-- Reads the estimate of the year after the latest for the confirmed member municipalities together.
SELECT
    n.year,
    n.last_year,
    n.basis,
    s.nowcast_median_pct,
    n.publication_id,
    count(*) AS region_count,
    sum(n.last_tco2e) AS last_tco2e,
    sum(n.emissions_tco2e) AS emissions_tco2e
FROM mart.nowcast AS n
INNER JOIN mart.member AS m ON n.region_code = m.region_code
INNER JOIN mart.publication AS p ON n.publication_id = p.publication_id
INNER JOIN mart.nowcast_score AS s ON s.is_deciding
WHERE
    m.confirmed
    AND m.level = 'municipality'
    AND (m.left_on IS NULL OR m.left_on > p.as_of_date)
GROUP BY n.year, n.last_year, n.basis, s.nowcast_median_pct, n.publication_id;
