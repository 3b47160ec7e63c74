-- Inserts or updates codes.
INSERT INTO core.dim_code (code_list, code, name_sv, name_en, sort_order)
VALUES %s
ON CONFLICT (code_list, code) DO UPDATE
    SET
        name_sv = excluded.name_sv,
        name_en = excluded.name_en,
        sort_order = excluded.sort_order
