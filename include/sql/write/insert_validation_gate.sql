-- Inserts one gate of a validation.
INSERT INTO ops.validation_gate (
    validation_id, rule, severity, passed, measured, limit_value, unit, finding_count, message_sv, message_en,
    sample
)
VALUES (
    %(validation_id)s, %(rule)s, %(severity)s, %(passed)s, %(measured)s, %(limit_value)s, %(unit)s,
    %(finding_count)s, %(message_sv)s, %(message_en)s, %(sample)s
)
