-- Lists the municipalities that fell fastest in a sector in two releases.
SELECT
    e.region_code,
    s.sector_name_sv,
    s.sector_name_en,
    e.first_year,
    e.last_year,
    e.annual_reduction_rate,
    e.publication_id
FROM mart.better_example AS e
INNER JOIN mart.sector AS s ON e.sector_code = s.sector_code
ORDER BY e.region_code, s.sort_order;
