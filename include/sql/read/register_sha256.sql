-- Reads one hash of all registers and the moment of their last change; empty before the first sync.
SELECT
    coalesce(
        encode(
            sha256(
                string_agg(v.register || '=' || v.sha256, ';' ORDER BY v.register)
                FILTER (WHERE v.recorded_to IS NULL)::bytea
            ),
            'hex'
        ),
        ''
    ) AS register_sha256,
    max(greatest(v.recorded_from, v.recorded_to)) AS registers_at
FROM register.version AS v
