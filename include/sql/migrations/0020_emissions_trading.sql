-- Plants in the EU emissions trading system: which municipality each belongs to, who states that all of a municipality
-- are there, and the official figures that the proxy is compared with. Registers with history, as the others.
CREATE TABLE register.ets_plant (
    installation_id text NOT NULL,
    installation_name text,
    region_code text NOT NULL REFERENCES core.dim_region,
    sector_code text NOT NULL REFERENCES core.dim_sector,
    -- NULL: always, and until further notice.
    valid_from date,
    valid_to date CHECK (valid_to >= valid_from),
    stated_on date NOT NULL,
    source text NOT NULL
);

CREATE TABLE register.ets_statement (
    region_code text NOT NULL REFERENCES core.dim_region,
    stated_on date NOT NULL,
    stated_by text NOT NULL,
    source text NOT NULL
);

CREATE TABLE register.trading_reference (
    region_code text NOT NULL REFERENCES core.dim_region,
    year smallint NOT NULL,
    part text NOT NULL CHECK (part IN ('non_trading', 'trading')),
    value double precision NOT NULL CHECK (value >= 0),
    unit text NOT NULL CHECK (unit IN ('tCO2e', 'tCO2e_per_inhabitant')),
    source text NOT NULL
);

DO $$
DECLARE
    keys CONSTANT jsonb := '{
        "ets_plant": "installation_id, valid_from", "ets_statement": "region_code",
        "trading_reference": "region_code, year, part"
    }';
    entry record;
BEGIN
    FOR entry IN SELECT e.key AS name, e.value AS columns FROM jsonb_each_text(keys) AS e LOOP
        EXECUTE format(
            'ALTER TABLE register.%1$I ADD COLUMN row_sha256 text NOT NULL,'
            ' ADD COLUMN recorded_from timestamptz NOT NULL DEFAULT clock_timestamp(),'
            ' ADD COLUMN recorded_to timestamptz CHECK (recorded_to >= recorded_from),'
            ' ADD COLUMN entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
            entry.name
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

-- Every area says what its page leads with, and why emissions outside trading are not known. Rows of earlier
-- publications led with territorial emissions.
ALTER TABLE mart_data.region_overview ADD COLUMN outside_trading_tco2e double precision;
ALTER TABLE mart_data.region_overview ADD COLUMN outside_trading_reason text;
ALTER TABLE mart_data.region_overview ADD COLUMN without_plant_sectors_tco2e double precision;
ALTER TABLE mart_data.region_overview ADD COLUMN leads_with text NOT NULL DEFAULT 'territorial';
ALTER TABLE mart_data.nowcast ADD COLUMN with_plants boolean NOT NULL DEFAULT FALSE;

-- These views have columns more in their middle; they are made anew with all others right after this file.
DROP VIEW IF EXISTS mart.region_overview;
DROP VIEW IF EXISTS mart.municipality_overview;
DROP VIEW IF EXISTS mart.nowcast;

CREATE TABLE mart_data.proxy_check (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    year smallint NOT NULL,
    part text NOT NULL,
    reference_value double precision NOT NULL,
    reference_unit text NOT NULL,
    population_year smallint,
    reference_tco2e double precision,
    proxy_tco2e double precision,
    difference_pct double precision,
    is_poor boolean NOT NULL,
    status_reason text,
    source text NOT NULL,
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code, year, part)
);

CREATE TABLE mart_data.nowcast_plant_score (
    publication_id bigint NOT NULL,
    verdict text NOT NULL,
    pairs_n integer NOT NULL,
    errors_n integer NOT NULL,
    with_plants_median_pct double precision,
    with_plants_p90_pct double precision,
    without_plants_median_pct double precision,
    without_plants_p90_pct double precision,
    PRIMARY KEY (publication_id, verdict)
);
