-- The network's headline is the change per inhabitant since 1990. Beside every sum stands how many members the register
-- confirms of how many the network has. Rows of earlier method versions do not know them.
ALTER TABLE mart_data.network_summary
ADD COLUMN change_reason text,
ADD COLUMN per_capita_change_since_1990_pct double precision,
ADD COLUMN per_capita_change_reason text,
-- Region codes that were added to the set in both years, for the change per inhabitant alone.
ADD COLUMN widened_with text[] NOT NULL DEFAULT '{}',
ADD COLUMN confirmed_member_count integer,
ADD COLUMN stated_member_count integer;

-- A figure that is missing says why.
ALTER TABLE mart_data.region_overview
ADD COLUMN change_since_1990_reason text,
ADD COLUMN change_since_previous_year_reason text,
ADD COLUMN revision_reason text;

-- These views have columns more in their middle; they are made anew with all others right after this file.
DROP VIEW IF EXISTS mart.network_summary;
DROP VIEW IF EXISTS mart.region_overview;
DROP VIEW IF EXISTS mart.municipality_overview;

-- Emissions per inhabitant of every region, boundary and year, and their change since 1990.
CREATE TABLE mart_data.per_inhabitant (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    boundary text NOT NULL,
    year smallint NOT NULL,
    emissions_t_per_capita double precision,
    per_capita_reason text,
    per_capita_change_since_1990_pct double precision,
    per_capita_change_reason text,
    widened_with text[] NOT NULL DEFAULT '{}',
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code, boundary, year)
);

-- The headline figures that a mail quoted; the next mail tells which of them a correction moved.
ALTER TABLE ops.mail_outbox ADD COLUMN headline jsonb;
