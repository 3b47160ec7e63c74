-- Inserts the version of a register that was read.
INSERT INTO register.version (register, sha256, row_count, recorded_from)
VALUES (%(register)s, %(sha256)s, %(row_count)s, %(recorded_at)s)
