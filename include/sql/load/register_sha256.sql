-- One hash for all registers; empty text before the first one was synced.
SELECT coalesce(encode(sha256(string_agg(v.register || '=' || v.sha256, ';' ORDER BY v.register)::bytea), 'hex'), '')
FROM register.version AS v
