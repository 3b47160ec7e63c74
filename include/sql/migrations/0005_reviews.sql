-- What the operator is asked and told. First, which run of the review DAG asks about a release on hold: one question
-- per release, whoever retries.
ALTER TABLE core.dim_release ADD COLUMN asked_by_run text;

-- What the operator was told by mail: each matter once. A notice that certainly did not arrive may be tried again.
CREATE TABLE ops.operator_notice (
    notice_key text PRIMARY KEY,
    source text NOT NULL,
    as_of_date date NOT NULL,
    state text NOT NULL DEFAULT 'sending' CHECK (state IN (
        'sending', 'sent', 'refused', 'failed', 'unknown', 'suppressed'
    )),
    detail text,
    told_at timestamptz NOT NULL
);
