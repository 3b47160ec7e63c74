-- Quality classes stand beside sector figures, before the columns that name release and publication. These views are
-- made anew with all others right after this file; a view cannot take a column in its middle.
DROP VIEW IF EXISTS mart.emission, mart.emission_by_release, mart.reconciliation, mart.sector;
