-- Where every member stands: the four criteria with their history, measures against the gap, overdue and stale
-- measures, pledges. A publication that only moves dated statuses shares the results of the one before.

-- Which publication wrote the results shown; NULL: the publication itself. Facts are shared by publication_facts.
ALTER TABLE ops.publication ADD COLUMN results_id bigint REFERENCES ops.publication;
ALTER TABLE mart.current_publication ADD COLUMN results_id bigint;

-- When the member was told of a shortcoming: from then on it has its days to reply.
ALTER TABLE register.enquiry ADD COLUMN told_on date CHECK (told_on >= asked_on);

-- What is said inside: to the member and the secretariat. The views of this schema are for wh_secretariat.
CREATE SCHEMA secretariat;

CREATE TABLE mart_data.criterion (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    member_kind text NOT NULL CHECK (member_kind IN ('member', 'applicant')),
    criterion text NOT NULL CHECK (criterion IN ('inventory', 'targets', 'action_plan', 'informing')),
    status text NOT NULL CHECK (status IN ('met', 'not_met', 'due', 'unknown')),
    -- Outside the member and the secretariat.
    shown_status text NOT NULL CHECK (shown_status IN ('unknown', status)),
    status_date date,
    lapses_on date,
    evidence_kind text CHECK (evidence_kind IN ('document', 'self_confirmed')),
    stated_by text,
    document_url text,
    target_id text,
    implied_annual_cut double precision,
    national_target_id text,
    national_annual_cut double precision,
    reason text NOT NULL,
    reason_sv text NOT NULL,
    reason_en text NOT NULL,
    records_reason text NOT NULL,
    records_reason_sv text NOT NULL,
    records_reason_en text NOT NULL,
    to_meet_sv text,
    to_meet_en text,
    asked_on date,
    told_on date,
    reply_until date,
    replied_on date,
    reply text,
    as_of_date date NOT NULL,
    PRIMARY KEY (publication_id, region_code, criterion),
    CHECK (shown_status <> 'unknown' OR status <> 'met')
);

CREATE TABLE mart_data.measure_status (
    publication_id bigint NOT NULL,
    measure_id text NOT NULL,
    region_code text NOT NULL,
    is_overdue boolean NOT NULL,
    is_stale boolean NOT NULL,
    overdue_from date,
    stale_from date,
    as_of_date date NOT NULL,
    PRIMARY KEY (publication_id, measure_id)
);

CREATE TABLE mart_data.pledge_status (
    publication_id bigint NOT NULL,
    pledge_id text NOT NULL,
    region_code text NOT NULL,
    status text NOT NULL CHECK (status IN ('kept', 'under_way', 'at_risk', 'no_measure_yet')),
    measure_count integer NOT NULL,
    done_count integer NOT NULL,
    overdue_count integer NOT NULL,
    stale_count integer NOT NULL,
    as_of_date date NOT NULL,
    PRIMARY KEY (publication_id, pledge_id)
);

CREATE TABLE mart_data.measure_coverage (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    target_id text NOT NULL,
    sector_code text NOT NULL,
    boundary text NOT NULL,
    last_year smallint,
    target_year smallint,
    gap_tco2e double precision,
    counted_tco2e double precision,
    planned_tco2e double precision,
    coverage_pct double precision,
    coverage_points double precision,
    coverage_reason text CHECK (coverage_reason IS NULL OR coverage_pct IS NULL),
    reason_sv text,
    reason_en text,
    measure_count integer NOT NULL,
    without_effect_count integer NOT NULL,
    without_effect_pct double precision,
    overlap text,
    PRIMARY KEY (publication_id, region_code, target_id, sector_code)
);

CREATE TABLE mart_data.member_overview (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    member_kind text NOT NULL CHECK (member_kind IN ('member', 'applicant')),
    target_count integer NOT NULL,
    target_note_sv text,
    target_note_en text,
    met_count integer NOT NULL,
    documented_count integer NOT NULL,
    self_confirmed_count integer NOT NULL,
    measure_count integer NOT NULL,
    overdue_count integer NOT NULL,
    stale_count integer NOT NULL,
    pledge_count integer NOT NULL,
    pledge_at_risk_count integer NOT NULL,
    as_of_date date NOT NULL,
    PRIMARY KEY (publication_id, region_code)
);

-- ---------------------------------------------------------------- what stays when old publications go

-- Every change of a criterion: a row under the publication that first said so; status NULL: asked of it no more.
CREATE TABLE core.criterion_change (
    publication_id bigint NOT NULL REFERENCES ops.publication,
    region_code text NOT NULL REFERENCES core.dim_region,
    criterion text NOT NULL,
    status text,
    shown_status text,
    reason text,
    PRIMARY KEY (publication_id, region_code, criterion)
);

-- The network's picture under every publication, members only.
CREATE TABLE core.criteria_summary (
    publication_id bigint NOT NULL REFERENCES ops.publication,
    criterion text NOT NULL,
    member_count integer NOT NULL,
    met_count integer NOT NULL,
    documented_count integer NOT NULL,
    self_confirmed_count integer NOT NULL,
    not_met_count integer NOT NULL,
    due_count integer NOT NULL,
    unknown_count integer NOT NULL,
    shown_not_met_count integer NOT NULL,
    shown_due_count integer NOT NULL,
    shown_unknown_count integer NOT NULL,
    PRIMARY KEY (publication_id, criterion)
);
