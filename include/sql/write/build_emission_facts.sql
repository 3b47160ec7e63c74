-- Copies the rows of the current releases of greenhouse gases into a new facts id, unseen until the switch.
INSERT INTO {current_rows} (
    facts_id, region_code, sector_code, year, substance, emissions_tco2e, status, release_id
)
SELECT
    %(facts_id)s,
    f.region_code,
    f.sector_code,
    f.year,
    f.substance,
    f.emissions,
    'observed' AS status,
    f.release_id
FROM core.fct_emission AS f
INNER JOIN core.dim_substance AS s ON f.substance = s.substance AND s.is_greenhouse_gas
WHERE f.run_id = %(run_id)s AND f.release_id = %(release_id)s
