CREATE OR REPLACE VIEW mart.revision_record AS
SELECT
    d.sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    d.years_since_first,
    d.pairs_n,
    d.values_n,
    d.median_moved_pct,
    d.p90_moved_pct,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.revision_record AS d
INNER JOIN core.dim_sector AS s ON d.sector_code = s.sector_code
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
