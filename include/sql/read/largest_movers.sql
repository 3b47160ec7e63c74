-- Municipal totals without international transport that moved most in tonnes, one year per municipality.
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
    FROM totals AS n
    INNER JOIN totals AS o
        ON
            n.region_code = o.region_code
            AND n.year = o.year
            AND o.run_id = %(old_run_id)s
            AND o.release_id = %(old_release_id)s
    WHERE n.run_id = %(new_run_id)s AND n.release_id = %(new_release_id)s
    ORDER BY n.region_code, abs(n.emissions - o.emissions) DESC, n.year DESC
) AS m
INNER JOIN core.dim_region AS r ON m.region_code = r.region_code
-- Less than a gram is no revision, but two sums of the same numbers.
WHERE abs(m.new_t - m.old_t) > 1e-6
ORDER BY abs(m.new_t - m.old_t) DESC, m.region_code
LIMIT %(n)s
