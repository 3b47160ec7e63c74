-- One release's main sectors and domestic aviation: what boundaries, links and comparisons are made of. As an array the
-- sectors are looked up in the key; otherwise every sub-sector of the release would be read.
SELECT
    f.region_code,
    f.sector_code,
    f.year,
    f.emissions AS emissions_tco2e
FROM core.fct_emission AS f
WHERE
    f.run_id = %(run_id)s
    AND f.release_id = %(release_id)s
    AND f.sector_code = any(array(
        SELECT s.sector_code FROM core.dim_sector AS s
        WHERE s.is_main OR s.sector_code IN ('all', 'transport.domestic_aviation')
    ))
