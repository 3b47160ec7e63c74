-- Inserts or updates quality classes of sectors.
INSERT INTO core.dim_sector_quality (
    sector_code, national_best, national_worst, geographic_best, geographic_worst, note_sv, note_en, source
)
VALUES %s
ON CONFLICT (sector_code) DO UPDATE
    SET
        national_best = excluded.national_best,
        national_worst = excluded.national_worst,
        geographic_best = excluded.geographic_best,
        geographic_worst = excluded.geographic_worst,
        note_sv = excluded.note_sv,
        note_en = excluded.note_en,
        source = excluded.source
