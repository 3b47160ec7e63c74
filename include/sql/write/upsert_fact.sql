-- Inserts or updates the keys of facts.
INSERT INTO ops.fact (fact, core_key, mart_key)
VALUES %s
ON CONFLICT (fact) DO UPDATE
    SET
        core_key = excluded.core_key,
        mart_key = excluded.mart_key
