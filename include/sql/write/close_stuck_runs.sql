-- Marks runs that have not ended after some minutes as failed.
UPDATE ops.source_run
SET
    state = 'failed',
    detail = %(detail)s,
    ended_at = clock_timestamp()
WHERE
    ended_at IS NULL
    AND started_at <= clock_timestamp() - make_interval(mins => %(minutes)s)
RETURNING run_id, source
