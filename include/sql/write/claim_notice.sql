-- Claims the right to notify the operator of a matter: once, and again only where the last mail did not arrive.
INSERT INTO ops.operator_notice (
    notice_key, source, as_of_date, told_at, matter_sv, matter_en, findings, origin
)
VALUES (
    %(notice_key)s, %(source)s, %(as_of_date)s, %(now)s, %(matter_sv)s, %(matter_en)s, %(findings)s, %(origin)s
)
ON CONFLICT (notice_key) DO UPDATE
    SET state = 'sending', detail = NULL, told_at = excluded.told_at, attempts = ops.operator_notice.attempts + 1
    WHERE ops.operator_notice.state IN ('pending', 'failed')
RETURNING notice_key
