-- One release's main sectors and domestic aviation: what boundaries, links and comparisons are made of.
SELECT
    f.region_code,
    f.sector_code,
    f.year,
    f.emissions AS emissions_tco2e
FROM core.fct_emission AS f
WHERE
    f.run_id = %(run_id)s
    AND f.release_id = %(release_id)s
    AND (
        f.sector_code IN ('all', 'transport.domestic_aviation')
        OR f.sector_code IN (
            SELECT s.sector_code FROM core.dim_sector AS s
            WHERE s.is_main
        )
    )
