-- One hash over the emission facts of published releases, in the order of their keys.
SELECT
    encode(sha256(convert_to(coalesce(string_agg(
        concat_ws(';', f.release_id, f.region_code, f.sector_code, f.year, f.emissions), '|'
        ORDER BY f.release_id COLLATE "C", f.region_code COLLATE "C", f.sector_code COLLATE "C", f.year
    ), ''), 'UTF8')), 'hex')
FROM core.fct_emission AS f
INNER JOIN core.dim_release AS d ON f.run_id = d.run_id AND f.release_id = d.release_id
WHERE d.state = 'published'
