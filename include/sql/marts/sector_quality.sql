-- Shows the quality classes of the main sectors.
CREATE OR REPLACE VIEW mart.sector_quality AS
SELECT
    q.sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    q.national_best,
    q.national_worst,
    q.geographic_best,
    q.geographic_worst,
    q.note_sv,
    q.note_en,
    q.source,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM core.dim_sector_quality AS q
INNER JOIN core.dim_sector AS s ON q.sector_code = s.sector_code;
