SELECT
    fingerprint,
    fetched_fingerprint,
    validators
FROM ops.look
WHERE dataset = %(dataset)s AND substance = %(substance)s
