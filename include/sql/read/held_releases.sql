-- Lists the releases on hold.
SELECT
    release_id,
    published_date,
    recorded_at::date AS loaded_on
FROM core.dim_release
WHERE state = 'held'
ORDER BY release_id
