-- Shows the codes of the fact tables with their names.
CREATE OR REPLACE VIEW mart.code_list AS
SELECT
    c.code_list,
    c.code,
    c.name_sv,
    c.name_en,
    c.sort_order,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM core.dim_code AS c;
