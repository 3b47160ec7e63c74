-- Reads lists of sectors, as of the publication's registers.
SELECT
    list_id,
    title_sv,
    title_en,
    sector_codes
FROM register.sector_list
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY list_id
