-- Reads reporting rounds, as of the publication's registers.
SELECT
    round_id,
    opens_on,
    closes_on
FROM register.reporting_round
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY opens_on
