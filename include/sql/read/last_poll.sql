-- Reads what the last poll of a dataset saw and what was fetched then.
SELECT
    fingerprint,
    fetched_fingerprint,
    validators
FROM ops.look
WHERE dataset = %(dataset)s AND substance = %(substance)s
