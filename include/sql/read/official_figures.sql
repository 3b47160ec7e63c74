-- Reads official figures of the nation that no source delivers, as of the publication's registers.
SELECT
    submission_last_year,
    year,
    sector_code,
    emissions_tco2e
FROM register.official_figure
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY submission_last_year, year, sector_code
