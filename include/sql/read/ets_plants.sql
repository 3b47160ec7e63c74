-- Reads which plants in emissions trading are in which municipality, as of the publication's registers.
SELECT
    installation_id,
    region_code,
    sector_code,
    valid_from,
    valid_to
FROM register.ets_plant
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY installation_id, valid_from
