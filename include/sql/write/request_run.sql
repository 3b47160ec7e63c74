-- Records that a run of a source was requested.
INSERT INTO ops.source_run (source, origin, as_of_date, orchestrator_run, state)
VALUES (%(source)s, %(origin)s, %(as_of_date)s, %(orchestrator_run)s, 'requested')
ON CONFLICT (orchestrator_run) DO NOTHING
