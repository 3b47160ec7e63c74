-- Lists notices to the operator that are pending: not tried yet, or the mail certainly did not arrive.
SELECT
    n.notice_key AS key,
    n.source,
    n.matter_sv,
    n.matter_en,
    n.findings,
    n.origin
FROM ops.operator_notice AS n
WHERE
    n.state IN ('pending', 'failed')
    AND n.attempts < %(attempts)s
    AND n.as_of_date >= %(since)s
    AND n.matter_sv IS NOT NULL
ORDER BY n.told_at, n.notice_key
