-- Reads official figures in and outside emissions trading, as of the publication's registers.
SELECT
    region_code,
    year,
    part,
    value,
    unit,
    source
FROM register.trading_reference
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY region_code, year, part
