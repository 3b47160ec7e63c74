-- Queues a matter of which the watch notifies the operator; one that is queued already stays as it is.
INSERT INTO ops.operator_notice (
    notice_key, source, as_of_date, told_at, matter_sv, matter_en, findings, origin, state, attempts
)
VALUES (
    %(notice_key)s,
    %(source)s,
    %(as_of_date)s,
    %(now)s,
    %(matter_sv)s,
    %(matter_en)s,
    %(findings)s,
    %(origin)s,
    'pending',
    0
)
ON CONFLICT (notice_key) DO NOTHING
