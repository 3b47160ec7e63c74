-- Records what a poll saw.
INSERT INTO ops.look (dataset, substance, fingerprint, validators, detail, looked_at)
VALUES (%(dataset)s, %(substance)s, %(fingerprint)s, %(validators)s, %(detail)s, %(looked_at)s)
ON CONFLICT (dataset, substance) DO UPDATE
    SET
        fingerprint = excluded.fingerprint,
        validators = excluded.validators,
        detail = excluded.detail,
        looked_at = excluded.looked_at
