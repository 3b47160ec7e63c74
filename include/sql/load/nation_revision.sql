-- The nation's total in years that both releases have, newest first.
SELECT
    n.year,
    o.emissions AS old_t,
    n.emissions AS new_t
FROM core.fct_emission AS n
INNER JOIN core.fct_emission AS o
    ON
        n.year = o.year
        AND o.run_id = %(old_run_id)s
        AND o.release_id = %(old_release_id)s
        AND o.region_code = '00'
        AND o.sector_code = 'all'
WHERE
    n.run_id = %(new_run_id)s
    AND n.release_id = %(new_release_id)s
    AND n.region_code = '00'
    AND n.sector_code = 'all'
ORDER BY n.year DESC
LIMIT %(n)s
