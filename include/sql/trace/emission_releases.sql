-- The releases of all greenhouse gases, oldest first as the publisher dates them.
SELECT
    release_id,
    years
FROM mart.release
WHERE dataset = 'smhi_emissions' AND substance = 'ghg'
ORDER BY published_date, known_from, content_sha256 COLLATE "C"
