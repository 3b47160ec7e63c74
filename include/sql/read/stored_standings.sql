-- Reads the stored standings of a release, if other formulas calculated them under the same registers.
SELECT
    t.target_id,
    t.region_code,
    t.status,
    t.variants_met,
    t.variants_n,
    t.central_tco2e,
    t.level_tco2e,
    t.gap_tco2e,
    t.last_year,
    t.last_tco2e,
    t.publication_id
FROM mart_data.target_progress AS t
INNER JOIN ops.publication AS p ON t.publication_id = p.publication_id
WHERE
    t.publication_id = (
        SELECT max(o.publication_id)
        FROM mart_data.target_progress AS o
        INNER JOIN ops.publication AS q ON o.publication_id = q.publication_id
        WHERE o.release_id = %(release_id)s AND q.published_at IS NOT NULL
    )
    AND t.release_id = %(release_id)s
    AND t.method_version <> %(method_version)s
    AND p.register_sha256 = %(register_sha256)s
