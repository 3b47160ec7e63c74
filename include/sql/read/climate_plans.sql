-- Reads plans and pre-plans as of the publication's registers.
-- Where only the year of a decision is known, its last day is used.
SELECT
    plan_id,
    owner_region_code,
    kind,
    coalesce(decided_on, make_date(decided_year, 12, 31)) AS decided_on,
    valid_from,
    valid_to,
    prolonged_to,
    document_url
FROM register.climate_plan
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
    AND kind <> 'missing'
ORDER BY plan_id
