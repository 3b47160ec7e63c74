-- Mail to the members' contacts. An address of a person stays in person.contact alone: the outbox names the contact,
-- and the address is looked up when the mail is sent, so that a deleted contact gets nothing more.
ALTER TABLE ops.mail_outbox DROP CONSTRAINT mail_outbox_kind_check;
ALTER TABLE ops.mail_outbox ALTER COLUMN recipient DROP NOT NULL;
ALTER TABLE ops.mail_outbox ADD COLUMN region_code text REFERENCES core.dim_region;
ALTER TABLE ops.mail_outbox ADD COLUMN contact_kind text CHECK (contact_kind IN ('elected', 'official'));
ALTER TABLE ops.mail_outbox ADD COLUMN subject text;
ALTER TABLE ops.mail_outbox ADD COLUMN body text;
ALTER TABLE ops.mail_outbox ADD CHECK (
    CASE kind
        WHEN 'digest' THEN recipient IS NOT NULL AND num_nonnulls(region_code, contact_kind, subject, body) = 0
        WHEN 'reminder' THEN recipient IS NULL AND num_nulls(region_code, contact_kind, subject, body) = 0
        ELSE FALSE
    END
);
-- At most one reminder a day and contact.
ALTER TABLE ops.mail_outbox ADD UNIQUE (kind, as_of_date, region_code, contact_kind);

-- What each reminder was about. A matter is known by what it is, its day, and the step of the reminders before and
-- after that day.
CREATE TABLE ops.reminder (
    outbox_id bigint NOT NULL REFERENCES ops.mail_outbox,
    region_code text NOT NULL REFERENCES core.dim_region,
    item_kind text NOT NULL CHECK (item_kind IN ('criterion', 'measure_end', 'measure_stale', 'round')),
    item_id text NOT NULL,
    due_on date NOT NULL,
    step_on date NOT NULL,
    PRIMARY KEY (outbox_id, region_code, item_kind, item_id)
);
