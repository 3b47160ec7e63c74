-- Finds the oldest other run of a source that was loaded and never got a verdict.
SELECT min(d.run_id)
FROM core.dim_release AS d
WHERE d.source = %(source)s AND d.state = 'loaded' AND d.run_id <> %(run_id)s
