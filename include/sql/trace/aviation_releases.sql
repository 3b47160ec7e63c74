-- Lists the releases of ghg and co2 that may show domestic aviation, oldest publisher's date first.
SELECT
    release_id,
    years
FROM mart.release
WHERE dataset = 'smhi_emissions' AND substance IN ('ghg', 'co2')
ORDER BY published_date, known_from, content_sha256 COLLATE "C"
