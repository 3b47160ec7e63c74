INSERT INTO ops.warehouse_origin (origin) VALUES (%(origin)s)
ON CONFLICT (only_row) DO NOTHING
