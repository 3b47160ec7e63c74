CREATE OR REPLACE VIEW mart.peer AS
SELECT
    d.region_code,
    d.peer_rank,
    d.peer_region_code,
    d.distance,
    d.closest_features,
    d.reason_sv,
    d.reason_en,
    d.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.peer AS d
WHERE d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp);
