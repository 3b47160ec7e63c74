-- Answers in reporting rounds, as the publication reads it.
SELECT
    region_code,
    round_id,
    answered_on
FROM register.answer
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY round_id, region_code
