-- Reads what the gates found in the releases behind the current figures.
SELECT
    r.dataset,
    r.substance,
    g.rule,
    g.severity,
    g.finding_count,
    g.message_sv,
    g.message_en,
    g.sample,
    g.publication_id
FROM mart.release_gate AS g
INNER JOIN mart.release AS r ON g.release_id = r.release_id
WHERE NOT g.passed AND r.is_current
ORDER BY r.substance = 'ghg' DESC, r.dataset, r.substance, g.severity DESC, g.rule;
