CREATE OR REPLACE VIEW mart.verdict_record AS
SELECT
    d.target_id,
    d.status,
    d.outcome_year,
    d.lead_years,
    d.verdicts_n,
    d.came_true_n,
    d.came_true_pct,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.verdict_record AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
