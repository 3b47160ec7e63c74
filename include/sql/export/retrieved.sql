-- Reads the day on which each source's current releases were last retrieved, in Swedish time.
SELECT
    source,
    max((retrieved_at AT TIME ZONE 'Europe/Stockholm')::date) AS retrieved_on
FROM mart.release
WHERE is_current
GROUP BY source
ORDER BY source
