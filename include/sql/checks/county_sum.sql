-- Compares each county with the sum of its municipalities, for every sector, sub-sector and year.
WITH parts AS (
    SELECT
        f.release_id,
        r.county_code,
        f.sector_code,
        f.year,
        sum(f.emissions) AS emissions
    FROM core.fct_emission AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND r.level = 'municipality'
    GROUP BY f.release_id, r.county_code, f.sector_code, f.year
)

SELECT
    c.release_id,
    c.region_code,
    c.sector_code,
    c.year,
    c.sheet_row,
    c.emissions AS found,
    p.emissions AS expected,
    abs(c.emissions - p.emissions) AS measured,
    abs(c.emissions - p.emissions) > :county_sum_t AS is_finding
FROM core.fct_emission AS c
INNER JOIN parts AS p
    ON
        c.release_id = p.release_id
        AND c.region_code = p.county_code
        AND c.sector_code = p.sector_code
        AND c.year = p.year
WHERE
    c.run_id = :run_id
    AND c.release_id = any(:release_ids)
    -- Counties are all that can match; said here, the rest is not even read.
    AND c.region_code = any(
        array(
            SELECT r.region_code
            FROM core.dim_region AS r
            WHERE r.level = 'county'
        )
    )
