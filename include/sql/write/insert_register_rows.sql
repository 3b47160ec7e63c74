-- Inserts new rows of a register.
INSERT INTO {rows} ({columns}, row_sha256, recorded_from)
VALUES %s
