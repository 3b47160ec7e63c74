-- Reads members, as of the publication's registers.
SELECT
    region_code,
    joined_on,
    left_on,
    confirmed,
    is_applicant,
    is_observer
FROM register.member
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY region_code
