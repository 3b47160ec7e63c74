-- Reads members' own series, as of the publication's registers.
SELECT
    series_id,
    owner_region_code,
    title_sv,
    title_en,
    year,
    value,
    unit,
    source,
    method
FROM register.own_series
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY series_id, year
