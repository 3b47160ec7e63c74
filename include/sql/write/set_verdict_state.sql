-- Sets the state of a loaded release after its validation.
UPDATE core.dim_release
SET state = %(state)s
WHERE release_id = %(release_id)s AND state = 'loaded'
