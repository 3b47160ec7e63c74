-- Stamps the warehouse with the origin of its figures; the first one stays.
INSERT INTO ops.warehouse_origin (origin) VALUES (%(origin)s)
ON CONFLICT (only_row) DO NOTHING
