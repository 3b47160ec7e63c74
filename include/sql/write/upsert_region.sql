-- Inserts or updates areas.
INSERT INTO core.dim_region (region_code, region_name, level, county_code, sort_sv)
VALUES %s
ON CONFLICT (region_code) DO UPDATE SET
    region_name = excluded.region_name,
    level = excluded.level,
    county_code = excluded.county_code,
    sort_sv = excluded.sort_sv
