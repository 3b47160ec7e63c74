-- Lists the ten most similar municipalities of each one, with the reason.
SELECT
    p.region_code,
    p.peer_region_code,
    p.reason_sv,
    p.reason_en,
    p.publication_id
FROM mart.peer AS p
ORDER BY p.region_code, p.peer_rank;
