-- Starts a source run, or takes up one that was requested.
INSERT INTO ops.source_run (source, origin, as_of_date, orchestrator_run, state)
VALUES (%(source)s, %(origin)s, %(as_of_date)s, %(orchestrator_run)s, 'running')
ON CONFLICT (orchestrator_run) DO UPDATE
    SET
        state = CASE WHEN source_run.state = 'requested' THEN 'running' ELSE source_run.state END
RETURNING run_id, source, origin, as_of_date, state, detail
