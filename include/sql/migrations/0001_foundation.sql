-- The warehouse's tables. Immutable once released: later changes come in a file with the next number.
-- Run with SET ROLE wh_owner, so that every object belongs to a role nobody can log in as.

CREATE SCHEMA staging;
CREATE SCHEMA core;
CREATE SCHEMA register;
CREATE SCHEMA mart;
CREATE SCHEMA mart_data;
CREATE SCHEMA ops;

-- ---------------------------------------------------------------- ops: what was done, when, with what result

CREATE TABLE ops.repeatable (
    path text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row: the origin of every figure in this warehouse, stamped by the first publication.
CREATE TABLE ops.warehouse_origin (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    origin text NOT NULL UNIQUE CHECK (origin IN ('live', 'archive', 'synthetic')),
    stamped_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE ops.source_run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('live', 'archive', 'synthetic')),
    as_of_date date NOT NULL,
    orchestrator_run text UNIQUE,
    state text NOT NULL CHECK (state IN (
        'requested', 'running', 'no_news', 'not_yet_published', 'fetched', 'loaded',
        'validated', 'held', 'quarantined', 'failed'
    )),
    detail text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);
CREATE INDEX source_run_unfinished ON ops.source_run (state) WHERE ended_at IS NULL;

CREATE TABLE ops.snapshot (
    snapshot_sha256 text NOT NULL,
    source text NOT NULL,
    dataset text NOT NULL,
    substance text NOT NULL,
    url text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    known_from date,
    retrieved_at timestamptz NOT NULL,
    manifest_path text NOT NULL,
    run_id bigint NOT NULL REFERENCES ops.source_run,
    release_id text,
    outcome text CHECK (outcome IN ('release', 'known_content', 'quarantined')),
    PRIMARY KEY (snapshot_sha256, dataset, substance)
);

CREATE TABLE ops.dataset_check (
    source text NOT NULL,
    dataset text NOT NULL,
    substance text NOT NULL,
    last_checked_at timestamptz NOT NULL,
    as_of_date date NOT NULL,
    next_expected date,
    status text NOT NULL CHECK (status IN ('fresh', 'due', 'stale', 'failed', 'held', 'not_yet_published')),
    detail text,
    PRIMARY KEY (source, dataset, substance)
);

CREATE TABLE ops.validation (
    validation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES ops.source_run,
    dataset text NOT NULL,
    substance text NOT NULL,
    release_id text,
    snapshot_sha256 text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('publish', 'publish_with_warnings', 'hold', 'quarantine')),
    docs_path text,
    validated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX validation_by_release ON ops.validation (release_id);

-- Every gate of a release with its measured value, passed or not: the margin is as telling as the verdict.
CREATE TABLE ops.validation_gate (
    validation_id bigint NOT NULL REFERENCES ops.validation ON DELETE CASCADE,
    rule text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('hard', 'hold', 'advisory')),
    passed boolean NOT NULL,
    measured double precision,
    limit_value double precision,
    unit text,
    finding_count integer NOT NULL DEFAULT 0 CHECK (finding_count >= 0),
    message_sv text NOT NULL,
    message_en text NOT NULL,
    sample jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (validation_id, rule)
);

CREATE TABLE ops.publication (
    publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    previous_publication_id bigint REFERENCES ops.publication,
    state text NOT NULL CHECK (state IN ('building', 'published', 'superseded')),
    origin text NOT NULL REFERENCES ops.warehouse_origin (origin),
    as_of_date date NOT NULL,
    method_version text NOT NULL,
    emission_facts_id bigint NOT NULL,
    population_facts_id bigint NOT NULL,
    register_sha256 text NOT NULL,
    causes jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz
);

CREATE TABLE ops.mail_outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('digest')),
    publication_id bigint NOT NULL REFERENCES ops.publication,
    as_of_date date NOT NULL,
    recipient text NOT NULL,
    approval text NOT NULL DEFAULT 'not_needed' CHECK (approval IN ('not_needed', 'asked', 'approved', 'rejected')),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN (
        'pending', 'sending', 'sent', 'refused', 'unknown', 'failed', 'suppressed'
    )),
    message_id text,
    html_sha256 text,
    text_sha256 text,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    UNIQUE (kind, publication_id, recipient),
    -- At most one digest a day and recipient; a day is the run's as_of_date.
    CONSTRAINT one_digest_a_day UNIQUE (kind, as_of_date, recipient)
);

-- ---------------------------------------------------------------- core: dimensions and facts of every release

CREATE TABLE core.dim_region (
    region_code text PRIMARY KEY CHECK (region_code ~ '^([0-9]{2}|[0-9]{4})$'),
    region_name text NOT NULL,
    level text NOT NULL CHECK (level IN ('nation', 'county', 'municipality')),
    county_code text CHECK (county_code ~ '^[0-9]{2}$'),
    sort_sv integer NOT NULL UNIQUE
);

CREATE TABLE core.dim_sector (
    sector_code text PRIMARY KEY,
    parent_sector_code text REFERENCES core.dim_sector,
    sector_name_sv text NOT NULL,
    sector_name_en text NOT NULL,
    is_main boolean NOT NULL,
    sort_order integer NOT NULL UNIQUE
);

CREATE TABLE core.dim_substance (
    substance text PRIMARY KEY CHECK (substance = lower(substance)),
    substance_name_sv text NOT NULL,
    substance_name_en text NOT NULL,
    is_greenhouse_gas boolean NOT NULL
);

CREATE TABLE core.dim_release (
    release_id text PRIMARY KEY,
    source text NOT NULL,
    dataset text NOT NULL,
    substance text NOT NULL,
    unit text NOT NULL,
    gwp_set text,
    published_date date NOT NULL,
    known_from date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retrieved_at timestamptz NOT NULL,
    content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    years smallint[] NOT NULL,
    row_count integer NOT NULL CHECK (row_count >= 0),
    rejected_count integer NOT NULL CHECK (rejected_count >= 0),
    notes text[] NOT NULL DEFAULT '{}',
    origin text NOT NULL CHECK (origin IN ('live', 'archive', 'synthetic')),
    state text NOT NULL CHECK (state IN (
        'loaded', 'validated', 'held', 'quarantined', 'published', 'withdrawn', 'rejected'
    )),
    run_id bigint NOT NULL REFERENCES ops.source_run,
    decided_by text,
    decided_at timestamptz,
    decision_reason text,
    UNIQUE (dataset, substance, content_sha256)
);

-- Partitions: one per source run, all substances of the run inside. No foreign keys: a foreign key makes
-- the attach wait for readers of the dimension; the codes are proven by an anti-join gate instead.
CREATE TABLE core.fct_emission (
    run_id bigint NOT NULL,
    release_id text NOT NULL,
    substance text NOT NULL,
    region_code text NOT NULL,
    sector_code text NOT NULL,
    year smallint NOT NULL,
    emissions double precision NOT NULL,
    sheet_row integer NOT NULL
) PARTITION BY LIST (run_id);

CREATE TABLE core.fct_population (
    run_id bigint NOT NULL,
    release_id text NOT NULL,
    region_code text NOT NULL,
    year smallint NOT NULL,
    population_count integer NOT NULL,
    sheet_row integer NOT NULL
) PARTITION BY LIST (run_id);

-- ---------------------------------------------------------------- staging: what was refused, cell by cell

CREATE TABLE staging.rejected_cell (
    run_id bigint NOT NULL REFERENCES ops.source_run,
    snapshot_sha256 text NOT NULL,
    dataset text NOT NULL,
    substance text NOT NULL,
    sheet_row integer NOT NULL,
    column_name text NOT NULL,
    raw_value text NOT NULL,
    reason text NOT NULL
);
CREATE INDEX rejected_cell_by_run ON staging.rejected_cell (run_id);

-- ---------------------------------------------------------------- register: the network's own data, reviewed

CREATE TABLE register.version (
    register text PRIMARY KEY,
    sha256 text NOT NULL,
    row_count integer NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE register.member (
    region_code text PRIMARY KEY REFERENCES core.dim_region,
    joined_on date,
    left_on date,
    confirmed boolean NOT NULL,
    is_applicant boolean NOT NULL,
    note_sv text NOT NULL,
    note_en text NOT NULL
);

-- Targets of members and the national lines, in one shape: a line has no owner and is never a member's own.
CREATE TABLE register.target (
    target_id text PRIMARY KEY,
    owner_region_code text REFERENCES core.dim_region,
    is_national_line boolean NOT NULL,
    definition jsonb NOT NULL,
    name_sv text NOT NULL,
    name_en text NOT NULL,
    decided_on date,
    decision_body text,
    document_url text,
    valid_from date,
    valid_to date,
    superseded_by text,
    CHECK (is_national_line = (owner_region_code IS NULL))
);

-- Cells of the sources that are known to be wrong: they keep their value and carry no trend.
CREATE TABLE register.known_defect (
    region_code text NOT NULL REFERENCES core.dim_region,
    sector_code text NOT NULL REFERENCES core.dim_sector,
    year smallint NOT NULL,
    substance text NOT NULL REFERENCES core.dim_substance,
    reason_sv text NOT NULL,
    reason_en text NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (region_code, sector_code, year, substance)
);

-- ---------------------------------------------------------------- publications: which releases, which are current

CREATE TABLE ops.publication_release (
    publication_id bigint NOT NULL REFERENCES ops.publication,
    release_id text NOT NULL REFERENCES core.dim_release,
    is_current boolean NOT NULL,
    PRIMARY KEY (publication_id, release_id)
);

-- One row, always: the switch of a publication is one UPDATE of it.
CREATE TABLE mart.current_publication (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    publication_id bigint NOT NULL,
    emission_facts_id bigint NOT NULL,
    population_facts_id bigint NOT NULL,
    as_of_date date,
    published_at timestamptz,
    origin text
);
INSERT INTO mart.current_publication (publication_id, emission_facts_id, population_facts_id) VALUES (0, 0, 0);

-- ---------------------------------------------------------------- mart_data: rows under a publication, never rewritten

-- Facts are keyed by the publication that wrote them; later publications with the same current releases
-- point at the same facts_id instead of writing 255 000 rows again.
CREATE TABLE mart_data.emission (
    facts_id bigint NOT NULL,
    region_code text NOT NULL,
    sector_code text NOT NULL,
    year smallint NOT NULL,
    substance text NOT NULL,
    emissions_tco2e double precision NOT NULL,
    status text NOT NULL CHECK (status IN ('observed', 'linked', 'estimated')),
    release_id text NOT NULL
) PARTITION BY LIST (facts_id);

CREATE TABLE mart_data.population (
    facts_id bigint NOT NULL,
    region_code text NOT NULL,
    year smallint NOT NULL,
    population_count integer NOT NULL,
    release_id text NOT NULL,
    PRIMARY KEY (facts_id, region_code, year)
);

CREATE TABLE mart_data.carbon_law (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    release_id text NOT NULL,
    reference_year smallint NOT NULL,
    emissions_slope_t_per_year double precision,
    estimated_reference_year_tco2e double precision,
    projected_next_year_tco2e double precision,
    projected_2030_tco2e double precision,
    projected_2045_tco2e double precision,
    projected_2050_tco2e double precision,
    trend_total_tco2e double precision,
    carbon_law_total_tco2e double precision,
    meets_carbon_law boolean,
    net_zero_date date,
    annual_change_pct double precision,
    annual_change_v1_pct double precision,
    PRIMARY KEY (publication_id, region_code)
);

CREATE TABLE mart_data.target_progress (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    target_id text NOT NULL,
    is_own_target boolean NOT NULL,
    boundary text NOT NULL,
    base_year smallint,
    target_year smallint,
    level_tco2e double precision,
    last_year smallint,
    last_tco2e double precision,
    status text NOT NULL CHECK (status IN (
        'met', 'missed', 'awaiting_data', 'below_level', 'all_below', 'most_below', 'split', 'few_below',
        'none_below', 'too_far', 'insufficient_data', 'not_computable'
    )),
    status_reason text,
    variants_met smallint,
    variants_n smallint,
    central_tco2e double precision,
    spread_low_tco2e double precision,
    spread_high_tco2e double precision,
    gap_tco2e double precision,
    required_annual_rate double precision,
    achieved_annual_rate double precision,
    path_position_tco2e double precision,
    hangs_on text,
    flags text[] NOT NULL DEFAULT '{}',
    release_id text NOT NULL,
    method_version text NOT NULL,
    as_of_date date NOT NULL,
    PRIMARY KEY (publication_id, region_code, target_id)
);

-- The network against the nation, in the variants of methods section 2.
CREATE TABLE mart_data.network_summary (
    publication_id bigint NOT NULL,
    panel text NOT NULL,
    boundary text NOT NULL,
    year smallint NOT NULL,
    region_count integer NOT NULL,
    emissions_tco2e double precision,
    population_count bigint,
    emissions_t_per_capita double precision,
    change_since_1990_pct double precision,
    status text NOT NULL,
    status_reason text,
    PRIMARY KEY (publication_id, panel, boundary, year)
);

-- One row per municipality, county and the nation: what a members' table shows.
CREATE TABLE mart_data.region_overview (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    is_member boolean NOT NULL,
    last_year smallint NOT NULL,
    previous_year smallint,
    published_total_tco2e double precision,
    territorial_tco2e double precision,
    effort_sharing_proxy_tco2e double precision,
    territorial_t_per_capita double precision,
    per_capita_reason text,
    change_since_1990_pct double precision,
    change_since_previous_year_pct double precision,
    national_part_pct double precision,
    own_part_pct double precision,
    revision_of_previous_year_pct double precision,
    flags text[] NOT NULL DEFAULT '{}',
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code)
);
