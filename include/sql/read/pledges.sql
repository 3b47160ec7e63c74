-- Reads pledges, as of the publication's registers.
SELECT
    pledge_id,
    owner_region_code,
    promised_to,
    wording,
    pledged_on,
    due_on,
    measure_ids
FROM register.pledge
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY pledge_id
