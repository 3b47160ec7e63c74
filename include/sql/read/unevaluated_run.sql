-- The oldest other run of a source whose load was committed and whose verdict never came.
SELECT min(d.run_id)
FROM core.dim_release AS d
WHERE d.source = %(source)s AND d.state = 'loaded' AND d.run_id <> %(run_id)s
