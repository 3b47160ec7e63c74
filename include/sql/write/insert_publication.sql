-- Inserts a publication that is being built.
INSERT INTO ops.publication (
    previous_publication_id, state, origin, as_of_date, method_version, register_sha256, registers_at, code_sha256
)
VALUES (
    nullif(%(previous_publication_id)s, 0), 'building', %(origin)s, %(as_of_date)s, %(method_version)s,
    %(register_sha256)s, %(registers_at)s, %(code_sha256)s
)
RETURNING publication_id
