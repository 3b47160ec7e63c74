-- Reads the evidence for the criteria, as of the publication's registers.
SELECT
    region_code,
    criterion,
    kind,
    stated_on,
    stated_by,
    inventory_year,
    url
FROM register.evidence
WHERE
    recorded_from <= coalesce(%(registers_at)s::timestamptz, 'infinity')
    AND (recorded_to IS NULL OR recorded_to > coalesce(%(registers_at)s::timestamptz, 'infinity'))
ORDER BY evidence_id
