INSERT INTO register.version (register, sha256, row_count)
VALUES (%(register)s, %(sha256)s, %(row_count)s)
ON CONFLICT (register) DO UPDATE SET
    sha256 = excluded.sha256,
    row_count = excluded.row_count,
    synced_at = clock_timestamp()
