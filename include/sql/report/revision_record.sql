-- Reads how far totals usually move, where enough pairs of releases show it.
SELECT
    years_since_first,
    pairs_n,
    median_moved_pct,
    p90_moved_pct,
    publication_id
FROM mart.revision_record
WHERE sector_code = 'all' AND pairs_n >= 3
ORDER BY years_since_first;
