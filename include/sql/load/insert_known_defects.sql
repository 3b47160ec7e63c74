INSERT INTO register.known_defect (
    defect_id, dataset, substance, published_date, region_code, sector_code, years, at_most, at_least,
    reason_sv, reason_en, source, entered_on, review_by
)
VALUES %s
