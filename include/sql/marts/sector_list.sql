CREATE OR REPLACE VIEW mart.sector_list AS
SELECT
    m.list_id,
    m.title_sv,
    m.title_en,
    m.sector_codes,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.sector_list AS m
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
