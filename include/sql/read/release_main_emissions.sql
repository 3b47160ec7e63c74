-- Reads one release's main sectors and domestic aviation, from which boundaries and links are calculated.
-- The sectors are an array, so that the key is used; a join would read every sub-sector of the release.
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
