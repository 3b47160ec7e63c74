-- Lists releases on hold, with the run that asks about each.
SELECT
    release_id,
    asked_by_run
FROM core.dim_release
WHERE state = 'held'
ORDER BY release_id
