-- How often the agencies are called: one ledger for every process and machine that shares the warehouse.

CREATE TABLE ops.host_call (
    call_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host text NOT NULL,
    called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz
);
CREATE INDEX host_call_by_host ON ops.host_call (host, called_at);

-- What a host states of itself: a list of [calls, seconds].
CREATE TABLE ops.host_limit (
    host text PRIMARY KEY,
    windows jsonb NOT NULL CHECK (jsonb_typeof(windows) = 'array'),
    stated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
