-- Releases on hold that nobody was asked about become this run's to ask; a run done again gets the same ones.
UPDATE core.dim_release
SET asked_by_run = coalesce(asked_by_run, %(asking_run)s)
WHERE state = 'held' AND coalesce(asked_by_run, %(asking_run)s) = %(asking_run)s
RETURNING release_id, run_id, decision_reason
