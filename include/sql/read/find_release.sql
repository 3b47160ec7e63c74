-- Finds emission releases whose id contains a text.
SELECT release_id
FROM mart.release
WHERE source = 'smhi_emissions' AND position(%(part)s IN release_id) > 0
ORDER BY published_date, release_id
