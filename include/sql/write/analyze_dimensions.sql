-- Statistics for the dimensions: too few rows for autovacuum, and every view joins them.
ANALYZE
core.dim_region, core.dim_region_change, core.dim_sector, core.dim_sector_quality, core.dim_substance, core.dim_code
