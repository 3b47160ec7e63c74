-- Reads answers in reporting rounds, as of the publication's registers.
SELECT
    region_code,
    answered_on,
    round_id
FROM register.answer
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY region_code, answered_on
