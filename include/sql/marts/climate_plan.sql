-- Shows climate plans as of the publication's registers, with the end of validity that counts.
CREATE OR REPLACE VIEW mart.climate_plan AS
SELECT
    m.plan_id,
    m.owner_region_code AS region_code,
    r.region_name,
    m.kind,
    m.title,
    m.decided_on,
    m.decided_year,
    m.valid_from,
    m.valid_to,
    m.prolonged_to,
    greatest(m.valid_to, m.prolonged_to) AS stated_end,
    m.document_url,
    m.stated_on,
    m.source,
    m.note,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.climate_plan AS m
INNER JOIN core.dim_region AS r ON m.owner_region_code = r.region_code
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
