-- The releases of all greenhouse gases, oldest first as the publisher dates them.
SELECT
    release_id,
    years
FROM mart.release
WHERE dataset = 'smhi_emissions' AND substance = 'ghg'
-- Of several of one day the current one is the last, and the one that corrects none the first.
ORDER BY published_date, known_from, is_current, corrects IS NOT NULL
