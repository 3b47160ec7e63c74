INSERT INTO register.known_defect (
    region_code, sector_code, year, substance, reason_sv, reason_en, source
)
VALUES %s
