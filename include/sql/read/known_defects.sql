-- Reads known defects, as of the publication's registers.
SELECT
    defect_id,
    dataset,
    substance,
    published_date,
    region_code,
    sector_code,
    years,
    at_most,
    at_least,
    reason_sv,
    reason_en,
    source,
    entered_on,
    review_by
FROM register.known_defect
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY defect_id
