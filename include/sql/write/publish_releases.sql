-- Marks validated releases as published.
UPDATE core.dim_release
SET state = 'published'
WHERE release_id = ANY(%(release_ids)s) AND state = 'validated'
