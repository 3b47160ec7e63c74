-- A number leads to what it is made of: the release before, whose value the revision compares with, and the earlier
-- publication that stored the first step of a changed standing. Parts are also kept as they are printed.
ALTER TABLE mart_data.region_overview
ADD COLUMN earlier_release_id text,
ADD COLUMN change_printed_pct double precision,
ADD COLUMN national_part_printed_pct double precision,
ADD COLUMN own_part_printed_pct double precision;
ALTER TABLE mart_data.standing_change ADD COLUMN stored_publication_id bigint;

-- These views have columns more in their middle; they are made anew with all others right after this file.
DROP VIEW IF EXISTS mart.region_overview;
DROP VIEW IF EXISTS mart.municipality_overview;
DROP VIEW IF EXISTS mart.standing_change;
DROP VIEW IF EXISTS mart.change_part;
DROP VIEW IF EXISTS mart.better_example;
DROP VIEW IF EXISTS mart.revision_record;
DROP VIEW IF EXISTS mart.revision;
DROP VIEW IF EXISTS mart.emission;
DROP VIEW IF EXISTS mart.emission_by_release;
DROP VIEW IF EXISTS mart.reconciliation;
DROP VIEW IF EXISTS mart.sector;
