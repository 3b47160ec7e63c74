-- One release's facts for the formulas.
SELECT
    region_code,
    sector_code,
    year,
    emissions AS emissions_tco2e
FROM core.fct_emission
WHERE run_id = %(run_id)s AND release_id = %(release_id)s
