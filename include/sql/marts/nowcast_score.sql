CREATE OR REPLACE VIEW mart.nowcast_score AS
SELECT
    d.kind,
    d.scope,
    d.pairs_n,
    d.errors_n,
    d.nowcast_median_pct,
    d.nowcast_p90_pct,
    d.carried_median_pct,
    d.carried_p90_pct,
    d.is_better,
    d.is_deciding,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.nowcast_score AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
