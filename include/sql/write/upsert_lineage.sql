-- Inserts the lineage of columns.
INSERT INTO core.dim_lineage (mart_name, column_name, kind, methods_section, inputs, formula_sv, formula_en)
VALUES %s
