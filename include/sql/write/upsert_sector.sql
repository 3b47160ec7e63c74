-- Inserts or updates sectors.
INSERT INTO core.dim_sector (
    sector_code, parent_sector_code, sector_name_sv, sector_name_en, is_main, sort_order
)
VALUES %s
ON CONFLICT (sector_code) DO UPDATE SET
    parent_sector_code = excluded.parent_sector_code,
    sector_name_sv = excluded.sector_name_sv,
    sector_name_en = excluded.sector_name_en,
    is_main = excluded.is_main,
    sort_order = excluded.sort_order
