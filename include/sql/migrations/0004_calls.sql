-- How often the agencies are called: one ledger for every process and machine that shares the warehouse.

CREATE TABLE ops.host_call (
    host text NOT NULL,
    called_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX host_call_by_host ON ops.host_call (host, called_at);

-- What a host states of itself: a list of [calls, seconds].
CREATE TABLE ops.host_limit (
    host text PRIMARY KEY,
    windows jsonb NOT NULL CHECK (jsonb_typeof(windows) = 'array'),
    stated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
