-- Shows municipalities and counties that were created, moved or renumbered.
CREATE OR REPLACE VIEW mart.region_change AS
SELECT
    c.effective_date,
    c.kind,
    c.region_code,
    c.region_name,
    c.earlier_code,
    c.related_region_code,
    c.note_sv,
    c.note_en,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM core.dim_region_change AS c;
