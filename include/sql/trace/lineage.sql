-- Reads the lineage of every column.
SELECT
    mart_name,
    column_name,
    kind,
    methods_section,
    formula_sv,
    formula_en,
    inputs,
    method_version
FROM mart.lineage
