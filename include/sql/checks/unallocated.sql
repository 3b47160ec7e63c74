-- Measures the unallocated part of a sector: what the nation has beyond its counties.
WITH counties AS (
    SELECT
        f.release_id,
        f.sector_code,
        f.year,
        sum(f.{value}) AS emissions
    FROM {rows} AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND r.level = 'county'
        AND {sectors}
    GROUP BY f.release_id, f.sector_code, f.year
)

SELECT
    n.release_id,
    n.region_code,
    n.sector_code,
    n.year,
    n.sheet_row,
    n.{value} AS found,
    c.emissions AS expected,
    {measured} AS measured,
    coalesce({is_beyond}, FALSE) AS is_finding
FROM {rows} AS n
INNER JOIN counties AS c
    ON n.release_id = c.release_id AND n.sector_code = c.sector_code AND n.year = c.year
WHERE n.run_id = :run_id AND n.release_id = any(:release_ids) AND n.region_code = '00'
