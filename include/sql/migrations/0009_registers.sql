-- The network's registers with history: a row is never overwritten. An update closes the old row (recorded_to) and
-- adds a new one, a removal closes it; valid_from and valid_to say when something applies, recorded_from and
-- recorded_to when the warehouse knew it. Contacts are personal data, without history, in a schema of their own.

-- This view gets a column between others; it is made anew with all others right after this file.
DROP VIEW IF EXISTS mart.member;

ALTER TABLE register.version DROP CONSTRAINT version_pkey;
ALTER TABLE register.version RENAME COLUMN synced_at TO recorded_from;
ALTER TABLE register.version ADD COLUMN recorded_to timestamptz CHECK (recorded_to >= recorded_from);
CREATE UNIQUE INDEX version_in_force ON register.version (register) WHERE recorded_to IS NULL;

ALTER TABLE register.member DROP CONSTRAINT member_pkey;
ALTER TABLE register.member ADD COLUMN is_observer boolean NOT NULL DEFAULT FALSE;
ALTER TABLE register.target DROP CONSTRAINT target_pkey;
ALTER TABLE register.known_defect DROP CONSTRAINT known_defect_pkey;

CREATE TABLE register.climate_plan (
    plan_id text NOT NULL,
    owner_region_code text NOT NULL REFERENCES core.dim_region,
    kind text NOT NULL CHECK (kind IN ('plan', 'pre_plan', 'missing')),
    title text,
    decided_on date,
    decided_year smallint,
    valid_from date,
    valid_to date CHECK (valid_to >= valid_from),
    prolonged_to date CHECK (prolonged_to >= valid_to),
    document_url text,
    stated_on date,
    source text NOT NULL,
    note text
);

CREATE TABLE register.measure (
    measure_id text NOT NULL,
    owner_region_code text NOT NULL REFERENCES core.dim_region,
    boundary text NOT NULL,
    sector_code text NOT NULL REFERENCES core.dim_sector,
    title_sv text NOT NULL,
    title_en text NOT NULL,
    status text NOT NULL CHECK (status IN ('planned', 'decided', 'ongoing', 'done', 'cancelled')),
    start_date date,
    end_date date CHECK (end_date >= start_date),
    -- Year → expected cut, tonnes CO2e; NULL while nobody has reckoned it.
    effects jsonb CHECK (jsonb_typeof(effects) = 'object'),
    reckoned_by text,
    how text,
    cost_sek double precision CHECK (cost_sek >= 0),
    klimatklivet_case text,
    responsible_role text NOT NULL,
    evidence_links text[] NOT NULL DEFAULT '{}',
    last_updated date NOT NULL,
    CHECK (effects IS NULL OR (reckoned_by IS NOT NULL AND how IS NOT NULL))
);

CREATE TABLE register.pledge (
    pledge_id text NOT NULL,
    owner_region_code text NOT NULL REFERENCES core.dim_region,
    promised_to text NOT NULL,
    wording text NOT NULL,
    pledged_on date NOT NULL,
    due_on date CHECK (due_on >= pledged_on),
    measure_ids text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE register.evidence (
    evidence_id text NOT NULL,
    region_code text NOT NULL REFERENCES core.dim_region,
    criterion text NOT NULL CHECK (criterion IN ('inventory', 'targets', 'action_plan', 'informing')),
    kind text NOT NULL CHECK (kind IN ('document', 'self_confirmed')),
    stated_on date NOT NULL,
    stated_by text NOT NULL,
    inventory_year smallint,
    url text,
    CHECK (kind <> 'document' OR url IS NOT NULL)
);

CREATE TABLE register.enquiry (
    region_code text NOT NULL REFERENCES core.dim_region,
    criterion text NOT NULL CHECK (criterion IN ('inventory', 'targets', 'action_plan', 'informing')),
    asked_on date NOT NULL,
    replied_on date CHECK (replied_on >= asked_on),
    reply text
);

CREATE TABLE register.reporting_round (
    round_id text NOT NULL,
    opens_on date NOT NULL,
    closes_on date NOT NULL CHECK (closes_on >= opens_on)
);

CREATE TABLE register.answer (
    region_code text NOT NULL REFERENCES core.dim_region,
    -- NULL for a report outside any round.
    round_id text,
    answered_on date NOT NULL
);

CREATE TABLE register.own_series (
    series_id text NOT NULL,
    owner_region_code text NOT NULL REFERENCES core.dim_region,
    title_sv text NOT NULL,
    title_en text NOT NULL,
    year smallint NOT NULL,
    value double precision NOT NULL,
    unit text NOT NULL,
    source text NOT NULL,
    method text NOT NULL
);

CREATE TABLE register.sector_list (
    list_id text NOT NULL,
    title_sv text NOT NULL,
    title_en text NOT NULL,
    sector_codes text[] NOT NULL CHECK (cardinality(sector_codes) > 0)
);

CREATE TABLE register.criteria_rule (
    rule_id text NOT NULL,
    criterion text NOT NULL CHECK (criterion IN (
        'all', 'inventory', 'targets', 'action_plan', 'informing', 'measures'
    )),
    value double precision NOT NULL CHECK (value >= 0),
    unit text NOT NULL CHECK (unit IN ('months', 'days', 'years', 'count')),
    title_sv text NOT NULL,
    title_en text NOT NULL,
    source text NOT NULL,
    valid_from date,
    valid_to date CHECK (valid_to >= valid_from)
);

CREATE TABLE register.municipality_group (
    region_code text NOT NULL REFERENCES core.dim_region,
    group_code text NOT NULL,
    group_name_sv text NOT NULL,
    group_name_en text NOT NULL,
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    source text NOT NULL
);

CREATE FUNCTION register.keep_what_was_recorded() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    IF OLD.recorded_to IS NOT NULL THEN
        RAISE EXCEPTION 'a closed row of register.% stays as it is', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END
$$;

DO $$
DECLARE
    keys CONSTANT jsonb := '{
        "member": "region_code", "target": "target_id", "known_defect": "defect_id", "climate_plan": "plan_id",
        "measure": "measure_id", "pledge": "pledge_id", "evidence": "evidence_id",
        "enquiry": "region_code, criterion, asked_on", "reporting_round": "round_id",
        "answer": "region_code, answered_on", "own_series": "series_id, year", "sector_list": "list_id",
        "criteria_rule": "rule_id, valid_from", "municipality_group": "region_code, valid_from"
    }';
    entry record;
BEGIN
    FOR entry IN SELECT e.key AS name, e.value AS columns FROM jsonb_each_text(keys) AS e LOOP
        -- What is there already was known from now on, in one moment: hence now() first.
        EXECUTE format(
            'ALTER TABLE register.%1$I ADD COLUMN row_sha256 text NOT NULL DEFAULT %2$L,'
            ' ADD COLUMN recorded_from timestamptz NOT NULL DEFAULT now(),'
            ' ADD COLUMN recorded_to timestamptz CHECK (recorded_to >= recorded_from),'
            ' ADD COLUMN entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
            entry.name, ''
        );
        EXECUTE format(
            'ALTER TABLE register.%I ALTER COLUMN recorded_from SET DEFAULT clock_timestamp()', entry.name
        );
        EXECUTE format(
            'CREATE UNIQUE INDEX %I ON register.%I (%s) NULLS NOT DISTINCT WHERE recorded_to IS NULL',
            entry.name || '_in_force', entry.name, entry.columns
        );
        EXECUTE format(
            'CREATE TRIGGER keep_what_was_recorded BEFORE UPDATE ON register.%I'
            ' FOR EACH ROW EXECUTE FUNCTION register.keep_what_was_recorded()',
            entry.name
        );
    END LOOP;
END
$$;

-- As of which moment a publication read the registers: its marts go on showing them as they were then.
ALTER TABLE ops.publication ADD COLUMN registers_at timestamptz;
ALTER TABLE mart.current_publication ADD COLUMN registers_at timestamptz;

-- ---------------------------------------------------------------- person: the two contacts of a member

CREATE SCHEMA person;

CREATE TABLE person.contact (
    region_code text NOT NULL REFERENCES core.dim_region,
    kind text NOT NULL CHECK (kind IN ('elected', 'official')),
    role text NOT NULL,
    address text NOT NULL,
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (region_code, kind)
);

-- That something was deleted, and nothing of what it was.
CREATE TABLE person.deletion (
    deletion_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region_code text NOT NULL,
    contact_count integer NOT NULL CHECK (contact_count >= 0),
    reason text NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
