-- Compares the first year of a release with the year before in another table of the same source.
-- SCB continues the series in a new table, which has no year before of its own.
WITH begun AS (
    SELECT DISTINCT ON (d.release_id)
        d.release_id,
        d.years[1] AS year,
        o.release_id AS other_release_id,
        o.run_id AS other_run_id
    FROM core.dim_release AS d
    INNER JOIN core.dim_release AS o
        ON d.source = o.source AND d.dataset <> o.dataset AND d.years[1] - 1 = any(o.years)
    WHERE
        d.run_id = :run_id
        AND d.release_id = any(:release_ids)
        AND (o.state IN ('validated', 'published') OR (o.state = 'loaded' AND o.run_id = d.run_id))
    ORDER BY d.release_id ASC, o.published_date DESC, o.known_from DESC, o.approval_number DESC
)

SELECT
    y.release_id,
    f.region_code,
    cast(NULL AS text) AS sector_code,
    cast(y.year AS integer) AS year,
    f.sheet_row,
    cast(f.population_count AS double precision) AS found,
    cast(b.population_count AS double precision) AS expected,
    cast(100.0 * abs(f.population_count - b.population_count) / b.population_count AS double precision) AS measured,
    'mot/against ' || y.other_release_id AS reason,
    abs(f.population_count - b.population_count)
    > :population_continued_pct / 100.0 * b.population_count AS is_finding
FROM begun AS y
INNER JOIN core.fct_population AS f ON y.release_id = f.release_id AND y.year = f.year
INNER JOIN core.fct_population AS b
    ON y.other_release_id = b.release_id AND y.year - 1 = b.year AND f.region_code = b.region_code
WHERE f.run_id = :run_id AND y.other_run_id = b.run_id AND b.population_count > 0
