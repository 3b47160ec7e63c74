CREATE OR REPLACE VIEW mart.base_year_ledger AS
SELECT
    d.region_code,
    d.target_id,
    d.decided_on,
    d.base_year,
    d.decided_release_id,
    d.decided_tco2e,
    d.current_release_id,
    d.current_tco2e,
    d.difference_tco2e,
    d.difference_pct,
    d.reason,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.base_year_ledger AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
