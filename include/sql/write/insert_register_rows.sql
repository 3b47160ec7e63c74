INSERT INTO {rows} ({columns}, row_sha256, recorded_from)
VALUES %s
