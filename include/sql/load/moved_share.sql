-- Percent of municipal totals, in years both releases have, that moved by more than moved_pct percent.
SELECT 100.0 * avg((abs(n.emissions - o.emissions) > o.emissions * %(moved_pct)s / 100.0)::int)::double precision
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
    AND o.emissions > 0
