-- Municipal totals that moved most in tonnes, one year per municipality.
SELECT
    m.region_code,
    r.region_name,
    m.year,
    m.old_t,
    m.new_t
FROM (
    SELECT DISTINCT ON (n.region_code)
        n.region_code,
        n.year,
        o.emissions AS old_t,
        n.emissions AS new_t
    FROM core.fct_emission AS n
    INNER JOIN core.fct_emission AS o
        ON
            n.region_code = o.region_code
            AND n.year = o.year
            AND o.run_id = %(old_run_id)s
            AND o.release_id = %(old_release_id)s
            AND o.sector_code = 'all'
    WHERE
        n.run_id = %(new_run_id)s
        AND n.release_id = %(new_release_id)s
        AND n.sector_code = 'all'
        AND length(n.region_code) = 4
    ORDER BY n.region_code, abs(n.emissions - o.emissions) DESC, n.year DESC
) AS m
INNER JOIN core.dim_region AS r ON m.region_code = r.region_code
WHERE m.new_t <> m.old_t
ORDER BY abs(m.new_t - m.old_t) DESC, m.region_code
LIMIT %(n)s
