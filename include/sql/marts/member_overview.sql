CREATE OR REPLACE VIEW mart.member_overview AS
SELECT
    d.region_code,
    r.region_name,
    r.level,
    d.member_kind,
    d.target_count,
    d.target_note_sv,
    d.target_note_en,
    d.met_count,
    d.documented_count,
    d.self_confirmed_count,
    d.measure_count,
    d.overdue_count,
    d.stale_count,
    d.pledge_count,
    d.pledge_at_risk_count,
    d.as_of_date,
    d.publication_id
FROM mart_data.member_overview AS d
INNER JOIN core.dim_region AS r ON d.region_code = r.region_code
WHERE d.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
