-- Reads who stated that all plants of a municipality are known, as of the publication's registers.
SELECT
    region_code,
    stated_on
FROM register.ets_statement
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY region_code
