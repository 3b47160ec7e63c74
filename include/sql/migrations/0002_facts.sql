-- Facts by contract: their keys, which rows of them a publication shows, names of their codes; the release watch.

-- What the contract says of every fact, for the functions that make partitions. Written by the migration.
CREATE TABLE ops.fact (
    fact text PRIMARY KEY CHECK (fact ~ '^[a-z_]+$'),
    core_key text[] NOT NULL,
    mart_key text[] NOT NULL
);

-- Which rows of each fact a publication shows; shared with the publication before where nothing changed.
CREATE TABLE ops.publication_facts (
    publication_id bigint NOT NULL REFERENCES ops.publication,
    fact text NOT NULL,
    facts_id bigint NOT NULL,
    PRIMARY KEY (publication_id, fact)
);
INSERT INTO ops.publication_facts (publication_id, fact, facts_id)
SELECT
    publication_id,
    'emission' AS fact,
    emission_facts_id AS facts_id
FROM ops.publication
WHERE emission_facts_id <> 0
UNION ALL
SELECT
    publication_id,
    'population' AS fact,
    population_facts_id AS facts_id
FROM ops.publication
WHERE population_facts_id <> 0;

CREATE TABLE core.dim_code (
    code_list text NOT NULL,
    code text NOT NULL,
    name_sv text NOT NULL,
    name_en text NOT NULL,
    sort_order integer NOT NULL,
    PRIMARY KEY (code_list, code)
);

-- The release watch: what the last light look at a dataset saw, and what has been fetched since.
CREATE TABLE ops.look (
    dataset text NOT NULL,
    substance text NOT NULL,
    fingerprint text,
    fetched_fingerprint text,
    validators jsonb NOT NULL DEFAULT '{}',
    detail text,
    looked_at timestamptz NOT NULL,
    PRIMARY KEY (dataset, substance)
);

-- Functions that take other parameters from now on; a warehouse made new has none of them yet.
DROP FUNCTION IF EXISTS ops.create_load_partition(text, bigint);
DROP FUNCTION IF EXISTS ops.attach_load_partition(text, bigint);
DROP FUNCTION IF EXISTS ops.create_facts_partition(bigint);
DROP FUNCTION IF EXISTS ops.analyze_facts_partition(bigint);

-- These views name columns that go; they are made anew with all others right after this file.
DROP VIEW IF EXISTS mart.emission, mart.population, mart.year;
ALTER TABLE mart.current_publication DROP COLUMN emission_facts_id, DROP COLUMN population_facts_id;
ALTER TABLE ops.publication DROP COLUMN emission_facts_id, DROP COLUMN population_facts_id;

-- Population lies in partitions by publication like every other fact, so that old ones can be dropped.
ALTER TABLE mart_data.population RENAME TO population_before;
ALTER INDEX mart_data.population_pkey RENAME TO population_before_pkey;
CREATE TABLE mart_data.population (
    facts_id bigint NOT NULL,
    region_code text NOT NULL,
    year smallint NOT NULL,
    population_count integer NOT NULL,
    release_id text NOT NULL
) PARTITION BY LIST (facts_id);
DO $$
DECLARE
    held bigint;
BEGIN
    FOR held IN SELECT DISTINCT b.facts_id FROM mart_data.population_before AS b LOOP
        EXECUTE format(
            'CREATE TABLE mart_data.population_p%1$s PARTITION OF mart_data.population'
            ' (CHECK (facts_id = %1$s), PRIMARY KEY (region_code, year)) FOR VALUES IN (%1$s)',
            held
        );
    END LOOP;
END
$$;
INSERT INTO mart_data.population (facts_id, region_code, year, population_count, release_id)
SELECT
    b.facts_id,
    b.region_code,
    b.year,
    b.population_count,
    b.release_id
FROM mart_data.population_before AS b;
DROP TABLE mart_data.population_before;
