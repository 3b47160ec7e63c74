-- Reads the gates of one validation.
SELECT
    rule,
    severity,
    passed,
    measured,
    limit_value,
    unit,
    finding_count,
    message_sv,
    message_en,
    sample
FROM ops.validation_gate
WHERE validation_id = %(validation_id)s
ORDER BY passed, severity, rule
