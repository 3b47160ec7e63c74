-- Sets the state of a source run.
UPDATE ops.source_run
SET
    state = %(state)s,
    detail = %(detail)s,
    ended_at = CASE WHEN %(is_final)s THEN clock_timestamp() END
WHERE run_id = %(run_id)s
