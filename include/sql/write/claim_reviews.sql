-- Claims the pending reviews of held releases for this run; a run done again gets the same ones.
UPDATE core.dim_release
SET asked_by_run = coalesce(asked_by_run, %(asking_run)s)
WHERE state = 'held' AND coalesce(asked_by_run, %(asking_run)s) = %(asking_run)s
RETURNING release_id, run_id, decision_reason
