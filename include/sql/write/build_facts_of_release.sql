-- The rows of one current release of a fact that one dataset gives, under a facts id of their own, unseen until the
-- switch: no other release holds the same key.
INSERT INTO {current_rows} (facts_id, {columns}, release_id)
SELECT
    %(facts_id)s,
    {columns},
    release_id
FROM {rows}
WHERE run_id = %(run_id)s AND release_id = %(release_id)s
