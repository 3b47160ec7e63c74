-- Inserts or updates substances.
INSERT INTO core.dim_substance (substance, substance_name_sv, substance_name_en, is_greenhouse_gas)
VALUES %s
ON CONFLICT (substance) DO UPDATE SET
    substance_name_sv = excluded.substance_name_sv,
    substance_name_en = excluded.substance_name_en,
    is_greenhouse_gas = excluded.is_greenhouse_gas
