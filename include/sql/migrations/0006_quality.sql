-- Quality classes stand beside sector figures, before the columns that name release and publication. These views are
-- made anew with all others right after this file; a view cannot take a column in its middle.
DROP VIEW IF EXISTS mart.emission, mart.emission_by_release, mart.reconciliation, mart.sector;

-- A notice is kept with its words, so that the watch can tell what could not be told at once; pending: not tried yet.
ALTER TABLE ops.operator_notice
ADD COLUMN matter_sv text,
ADD COLUMN matter_en text,
ADD COLUMN findings text[] NOT NULL DEFAULT '{}',
ADD COLUMN origin text CHECK (origin IN ('live', 'archive', 'synthetic')),
ADD COLUMN attempts integer NOT NULL DEFAULT 1 CHECK (attempts >= 0),
DROP CONSTRAINT operator_notice_state_check,
ADD CONSTRAINT operator_notice_state_check CHECK (state IN (
    'pending', 'sending', 'sent', 'refused', 'failed', 'unknown', 'suppressed'
));
