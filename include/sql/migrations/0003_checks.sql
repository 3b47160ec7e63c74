-- What checks the figures: sums against each other in every release, sources against each other, the series of
-- every boundary; defects bound to the releases that have them; how good each sector is; how borders moved.

-- Reckoned once per release, when it is published for the first time: facts of a release never change.
CREATE TABLE core.reconciliation (
    release_id text NOT NULL REFERENCES core.dim_release,
    sector_code text NOT NULL,
    year smallint NOT NULL,
    nation double precision NOT NULL,
    counties double precision NOT NULL,
    unallocated double precision NOT NULL,
    largest_county_gap double precision NOT NULL,
    sector_sum_gap double precision,
    PRIMARY KEY (release_id, sector_code, year)
);

CREATE TABLE mart_data.cross_check (
    publication_id bigint NOT NULL,
    check_code text NOT NULL,
    region_code text NOT NULL,
    sector_code text NOT NULL,
    year smallint NOT NULL,
    left_value double precision NOT NULL,
    right_value double precision NOT NULL,
    difference_pct double precision,
    is_same_vintage boolean NOT NULL,
    left_release_id text NOT NULL,
    right_release_id text NOT NULL,
    PRIMARY KEY (publication_id, check_code, region_code, sector_code, year)
);

CREATE TABLE mart_data.boundary_series (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    boundary text NOT NULL,
    year smallint NOT NULL,
    emissions_tco2e double precision NOT NULL,
    status text NOT NULL CHECK (status IN ('observed', 'linked', 'estimated')),
    flags text[] NOT NULL DEFAULT '{}',
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code, boundary, year)
);

-- A defect belongs to releases of one publisher's date, and holds only while its cell shows it.
DROP TABLE register.known_defect;
CREATE TABLE register.known_defect (
    defect_id text PRIMARY KEY,
    dataset text NOT NULL,
    substance text NOT NULL REFERENCES core.dim_substance,
    published_date date NOT NULL,
    region_code text NOT NULL REFERENCES core.dim_region,
    sector_code text NOT NULL REFERENCES core.dim_sector,
    years smallint[] NOT NULL CHECK (cardinality(years) > 0),
    at_most double precision,
    at_least double precision,
    reason_sv text NOT NULL,
    reason_en text NOT NULL,
    source text NOT NULL,
    entered_on date NOT NULL,
    review_by date NOT NULL,
    CHECK (at_most IS NOT NULL OR at_least IS NOT NULL)
);

CREATE TABLE core.dim_sector_quality (
    sector_code text PRIMARY KEY REFERENCES core.dim_sector,
    national_best smallint CHECK (national_best BETWEEN 1 AND 3),
    national_worst smallint CHECK (national_worst BETWEEN 1 AND 3),
    geographic_best smallint CHECK (geographic_best BETWEEN 1 AND 3),
    geographic_worst smallint CHECK (geographic_worst BETWEEN 1 AND 3),
    note_sv text NOT NULL,
    note_en text NOT NULL,
    source text NOT NULL
);

CREATE TABLE core.dim_region_change (
    effective_date date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('split', 'county_merge', 'county_move', 'renumbered')),
    region_code text NOT NULL,
    region_name text NOT NULL,
    earlier_code text,
    related_region_code text,
    note_sv text NOT NULL,
    note_en text NOT NULL,
    PRIMARY KEY (effective_date, region_code)
);
