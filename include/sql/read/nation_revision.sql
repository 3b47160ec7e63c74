-- Compares the nation's total of two releases, newest year first, with international transport apart.
-- The total is without that transport. Where only the newer release has it, the publisher began to count it.
SELECT
    n.year,
    o.emissions - coalesce(oi.emissions, 0) AS old_t,
    n.emissions - coalesce(ni.emissions, 0) AS new_t,
    CASE WHEN coalesce(oi.emissions, 0) = 0 AND ni.emissions > 0 THEN ni.emissions END AS international_t
FROM core.fct_emission AS n
INNER JOIN core.fct_emission AS o
    ON
        n.year = o.year
        AND o.run_id = %(old_run_id)s
        AND o.release_id = %(old_release_id)s
        AND o.region_code = '00'
        AND o.sector_code = 'all'
LEFT JOIN core.fct_emission AS ni
    ON
        n.run_id = ni.run_id
        AND n.release_id = ni.release_id
        AND n.region_code = ni.region_code
        AND n.year = ni.year
        AND ni.sector_code = 'international_transport'
LEFT JOIN core.fct_emission AS oi
    ON
        o.run_id = oi.run_id
        AND o.release_id = oi.release_id
        AND o.region_code = oi.region_code
        AND o.year = oi.year
        AND oi.sector_code = 'international_transport'
WHERE
    n.run_id = %(new_run_id)s
    AND n.release_id = %(new_release_id)s
    AND n.region_code = '00'
    AND n.sector_code = 'all'
ORDER BY n.year DESC
LIMIT %(n)s
