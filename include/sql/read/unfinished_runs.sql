-- Lists the sources with a run in progress.
SELECT source
FROM ops.source_run
WHERE
    ended_at IS NULL
    AND started_at > clock_timestamp() - make_interval(mins => %(minutes)s)
ORDER BY source
