CREATE OR REPLACE VIEW mart.member AS
SELECT
    m.region_code,
    r.region_name,
    r.level,
    m.joined_on,
    m.left_on,
    m.confirmed,
    m.is_applicant,
    m.is_observer,
    m.note_sv,
    m.note_en,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.member AS m
INNER JOIN core.dim_region AS r ON m.region_code = r.region_code
WHERE
    -- As the publication read the register; before the first publication, as it is.
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
