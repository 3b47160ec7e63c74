-- How far totals usually move, where there are enough pairs of releases.
SELECT
    years_since_first,
    pairs_n,
    median_moved_pct,
    p90_moved_pct,
    publication_id
FROM mart.revision_record
WHERE sector_code = 'all' AND pairs_n >= 3
ORDER BY years_since_first;
