-- Compares population with the newest release of every other dataset that has the same area and year.
-- Two tables of the publisher give the same figure, apart from the noise it adds from 2025 on.
WITH own AS (
    SELECT r.dataset
    FROM core.dim_release AS r
    WHERE r.release_id = any(:release_ids)
),

others AS (
    SELECT DISTINCT ON (d.dataset)
        d.release_id,
        d.run_id
    FROM core.dim_release AS d
    WHERE
        d.dataset = any(:population_datasets)
        AND d.state IN ('validated', 'published')
        AND NOT EXISTS (
            SELECT 1 FROM own AS o
            WHERE o.dataset = d.dataset
        )
    ORDER BY d.dataset ASC, d.published_date DESC, d.known_from DESC, d.content_sha256 DESC
)

SELECT
    f.release_id,
    f.region_code,
    cast(NULL AS text) AS sector_code,
    f.year,
    f.sheet_row,
    cast(f.population_count AS double precision) AS found,
    cast(e.population_count AS double precision) AS expected,
    cast(abs(f.population_count - e.population_count) AS double precision) AS measured,
    abs(f.population_count - e.population_count) > :population_noise_persons AS is_finding
FROM core.fct_population AS f
INNER JOIN others AS o ON TRUE
INNER JOIN core.fct_population AS e
    ON o.run_id = e.run_id AND o.release_id = e.release_id AND f.region_code = e.region_code AND f.year = e.year
WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
