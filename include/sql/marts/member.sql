CREATE OR REPLACE VIEW mart.member AS
SELECT
    m.region_code,
    r.region_name,
    r.level,
    m.joined_on,
    m.left_on,
    m.confirmed,
    m.is_applicant,
    m.note_sv,
    m.note_en,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.member AS m
INNER JOIN core.dim_region AS r ON m.region_code = r.region_code;
