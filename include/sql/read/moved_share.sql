-- Calculates the percent of municipal totals that moved by more than moved_pct percent.
-- Totals are without international transport, of years that both releases have.
WITH totals AS (
    SELECT
        t.run_id,
        t.release_id,
        t.region_code,
        t.year,
        t.emissions - coalesce(i.emissions, 0) AS emissions
    FROM core.fct_emission AS t
    LEFT JOIN core.fct_emission AS i
        ON
            t.run_id = i.run_id
            AND t.release_id = i.release_id
            AND t.region_code = i.region_code
            AND t.year = i.year
            AND i.sector_code = 'international_transport'
    WHERE
        t.sector_code = 'all'
        AND length(t.region_code) = 4
        AND t.run_id IN (%(old_run_id)s, %(new_run_id)s)
        AND t.release_id IN (%(old_release_id)s, %(new_release_id)s)
)

SELECT 100.0 * avg((abs(n.emissions - o.emissions) > o.emissions * %(moved_pct)s / 100.0)::int)::double precision
FROM totals AS n
INNER JOIN totals AS o
    ON
        n.region_code = o.region_code
        AND n.year = o.year
        AND o.run_id = %(old_run_id)s
        AND o.release_id = %(old_release_id)s
WHERE
    n.run_id = %(new_run_id)s
    AND n.release_id = %(new_release_id)s
    AND o.emissions > 0
