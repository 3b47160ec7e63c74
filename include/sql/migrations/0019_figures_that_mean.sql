-- Where the publisher spread the nation's change over the municipalities, every own part says so, and how much of
-- the emissions it is about. Rows of earlier method versions do not know it.
ALTER TABLE mart_data.change_part ADD COLUMN near_nation_tonnes_pct double precision;
ALTER TABLE mart_data.change_part ADD COLUMN scaled_share_pct double precision;
ALTER TABLE mart_data.region_overview ADD COLUMN own_part_status text;
ALTER TABLE mart_data.region_overview ADD COLUMN scaled_share_pct double precision;

-- These views have columns more in their middle; they are made anew with all others right after this file.
DROP VIEW IF EXISTS mart.change_part;
DROP VIEW IF EXISTS mart.region_overview;
DROP VIEW IF EXISTS mart.municipality_overview;
