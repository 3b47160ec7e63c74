-- The question about a release on hold becomes anybody's to ask, unless somebody else asks it meanwhile.
UPDATE core.dim_release
SET asked_by_run = NULL
WHERE release_id = %(release_id)s AND state = 'held' AND asked_by_run = %(asking_run)s
