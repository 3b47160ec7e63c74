-- Where every published number comes from; the rows follow from the project's reference file.
CREATE TABLE core.dim_lineage (
    mart_name text NOT NULL,
    column_name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('source', 'register', 'reckoned')),
    methods_section smallint,
    inputs text[] NOT NULL,
    formula_sv text NOT NULL,
    formula_en text NOT NULL,
    PRIMARY KEY (mart_name, column_name)
);
