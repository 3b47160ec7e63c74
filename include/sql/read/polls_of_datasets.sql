-- Reads what the last polls of some datasets saw.
SELECT
    dataset,
    substance,
    fingerprint
FROM ops.look
WHERE dataset = ANY(%(datasets)s)
