-- Reads the numbers of the rules, as of the publication's registers.
SELECT
    rule_id,
    criterion,
    value,
    unit,
    valid_from,
    valid_to
FROM register.criteria_rule
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY rule_id
