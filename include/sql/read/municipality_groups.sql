-- Reads municipality groups, as of the publication's registers.
SELECT
    region_code,
    group_code,
    group_name_sv,
    group_name_en,
    valid_from,
    valid_to
FROM register.municipality_group
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY region_code, valid_from
