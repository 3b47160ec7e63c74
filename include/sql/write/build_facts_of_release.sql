-- Copies the rows of one current release into a new facts id, unseen until the switch.
-- For a fact that one dataset gives: no other release holds the same key.
INSERT INTO {current_rows} (facts_id, {columns}, release_id)
SELECT
    %(facts_id)s,
    {columns},
    release_id
FROM {rows}
WHERE run_id = %(run_id)s AND release_id = %(release_id)s
