-- Inserts a publication that only moves dated statuses and shares results and registers of the one before.
INSERT INTO ops.publication (
    previous_publication_id, state, origin, as_of_date, method_version, register_sha256, registers_at, results_id,
    code_sha256
)
SELECT
    p.publication_id AS previous_publication_id,
    'building' AS state,
    p.origin,
    %(as_of_date)s AS as_of_date,
    p.method_version,
    p.register_sha256,
    p.registers_at,
    coalesce(p.results_id, p.publication_id) AS results_id,
    p.code_sha256
FROM ops.publication AS p
WHERE p.publication_id = %(previous_publication_id)s
RETURNING publication_id, results_id
