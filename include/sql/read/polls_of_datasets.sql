SELECT
    dataset,
    substance,
    fingerprint
FROM ops.look
WHERE dataset = ANY(%(datasets)s)
