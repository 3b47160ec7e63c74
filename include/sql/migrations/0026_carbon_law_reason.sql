-- A missing indicator says why, as every other result does.
ALTER TABLE mart_data.carbon_law ADD COLUMN status_reason text;

-- The view has a column more in its middle; it is made anew right after this file.
DROP VIEW IF EXISTS mart.carbon_law;
