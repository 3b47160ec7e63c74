-- Reads measures, as of the publication's registers.
SELECT
    measure_id,
    owner_region_code,
    boundary,
    sector_code,
    title_sv,
    title_en,
    status,
    start_date,
    end_date,
    effects,
    reckoned_by,
    how,
    cost_sek,
    klimatklivet_case,
    responsible_role,
    evidence_links,
    last_updated
FROM register.measure
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY measure_id
