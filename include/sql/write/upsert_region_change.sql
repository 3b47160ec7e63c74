-- Inserts or updates changes of areas.
INSERT INTO core.dim_region_change (
    effective_date, kind, region_code, region_name, earlier_code, related_region_code, note_sv, note_en
)
VALUES %s
ON CONFLICT (effective_date, region_code) DO UPDATE
    SET
        kind = excluded.kind,
        region_name = excluded.region_name,
        earlier_code = excluded.earlier_code,
        related_region_code = excluded.related_region_code,
        note_sv = excluded.note_sv,
        note_en = excluded.note_en
