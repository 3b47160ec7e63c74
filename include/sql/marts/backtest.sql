CREATE OR REPLACE VIEW mart.backtest AS
SELECT
    d.boundary,
    d.origin_year,
    d.outcome_year,
    d.variant_code,
    d.variant_name_sv,
    d.variant_name_en,
    d.is_named_origin,
    d.municipality_count,
    d.median_error_pct,
    d.p90_error_pct,
    d.median_deviation_pct,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.backtest AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
