-- Shows by which formula and from which columns every number is made.
CREATE OR REPLACE VIEW mart.lineage AS
SELECT
    l.mart_name,
    l.column_name,
    l.kind,
    l.methods_section,
    l.formula_sv,
    l.formula_en,
    l.inputs,
    p.method_version,
    p.publication_id
FROM core.dim_lineage AS l
CROSS JOIN ops.publication AS p
WHERE p.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
