-- A result table that could not be calculated fails alone: what every result table of a publication holds, and why.

CREATE TABLE mart_data.result_status (
    publication_id bigint NOT NULL,
    table_name text NOT NULL,
    status text NOT NULL CHECK (status IN ('fresh', 'stale', 'emptied', 'missing')),
    reason text CHECK (reason IN ('formula_failed', 'not_stored', 'depends_on')),
    -- The step, input or table that failed first.
    because_of text,
    reason_sv text,
    reason_en text,
    error_class text,
    -- For the operator alone: a message may quote a row of a register.
    error_message text,
    -- The publication in which the rows shown were calculated; NULL where there are none.
    computed_publication_id bigint,
    -- The publication from which on the table fails for this reason.
    failing_since_publication_id bigint,
    PRIMARY KEY (publication_id, table_name),
    CHECK ((status = 'fresh') = (reason IS NULL)),
    CHECK ((status = 'fresh') = (error_class IS NULL)),
    CHECK ((status = 'fresh') = (failing_since_publication_id IS NULL))
);

-- code_sha256: the code that calculated it; other code tries again what failed. digest_held: it had something to
-- mail, and the tables that a digest leads with were not calculated: the next publication mails it.
ALTER TABLE ops.publication
ADD COLUMN code_sha256 text,
ADD COLUMN digest_held boolean NOT NULL DEFAULT FALSE;

-- A person may also put a release on hold that has passed its gates and is not published yet.
ALTER TABLE ops.release_decision
DROP CONSTRAINT release_decision_action_check,
ADD CONSTRAINT release_decision_action_check CHECK (
    action IN ('approve', 'reject', 'hold', 'withdraw', 'restore')
);
