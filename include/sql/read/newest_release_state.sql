-- Reads the newest data year that may be shown, and whether something newer is held, refused or was ever kept.
-- Where data years do not date a dataset, it is the year of the newest release.
SELECT
    (
        SELECT
            max(
                CASE
                    WHEN %(dated_by_release)s THEN extract(YEAR FROM d.published_date)
                    ELSE d.years[cardinality(d.years)]
                END
            )::integer
        FROM core.dim_release AS d
        WHERE
            d.dataset = %(dataset)s
            AND d.substance = %(substance)s
            AND d.state IN ('validated', 'published')
    ) AS last_year,
    exists(
        SELECT 1
        FROM core.dim_release AS d
        WHERE d.dataset = %(dataset)s AND d.substance = %(substance)s AND d.state = 'held'
    ) AS held,
    coalesce(newest.outcome = 'quarantined' OR newest.state = 'quarantined', FALSE) AS refused,
    newest.is_kept IS NOT NULL AS kept,
    coalesce(newest.release_id || ' (' || newest.state || ')', newest.outcome, 'no release yet') AS detail
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT
        TRUE AS is_kept,
        s.outcome,
        r.release_id,
        r.state
    FROM ops.snapshot AS s
    LEFT JOIN core.dim_release AS r ON s.release_id = r.release_id
    WHERE s.dataset = %(dataset)s AND s.substance = %(substance)s
    ORDER BY s.retrieved_at DESC, s.snapshot_sha256 DESC
    LIMIT 1
) AS newest ON TRUE
