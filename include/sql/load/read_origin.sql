SELECT origin FROM ops.warehouse_origin
