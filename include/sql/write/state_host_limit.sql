-- Records the limits that a host states.
INSERT INTO ops.host_limit (host, windows) VALUES (%(host)s, %(windows)s)
ON CONFLICT (host) DO UPDATE
    SET
        windows = excluded.windows,
        stated_at = clock_timestamp()
