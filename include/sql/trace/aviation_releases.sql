-- The releases that may show domestic aviation, oldest first as the publisher dates them: of all greenhouse gases and
-- of carbon dioxide.
SELECT
    release_id,
    years
FROM mart.release
WHERE dataset = 'smhi_emissions' AND substance IN ('ghg', 'co2')
ORDER BY published_date, known_from, content_sha256 COLLATE "C"
