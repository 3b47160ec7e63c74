-- Releases the question about a held release, so that another run may ask it.
UPDATE core.dim_release
SET asked_by_run = NULL
WHERE release_id = %(release_id)s AND state = 'held' AND asked_by_run = %(asking_run)s
