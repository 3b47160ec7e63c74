-- Finds sub-sectors whose sum is above their sector by more than the allowance.
-- The allowance is the greater of some tonnes and some percent of the sector. The sum may be below the sector: not
-- every sub-sector is published. Measured is the excess beyond the allowance, so zero is the limit for every size of
-- sector.
WITH parts AS (
    SELECT
        f.release_id,
        f.region_code,
        s.parent_sector_code,
        f.year,
        sum(f.emissions) AS emissions
    FROM core.fct_emission AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids) AND s.parent_sector_code <> 'all'
    GROUP BY f.release_id, f.region_code, s.parent_sector_code, f.year
),

compared AS (
    SELECT
        m.release_id,
        m.region_code,
        m.sector_code,
        m.year,
        m.sheet_row,
        p.emissions AS found,
        m.emissions AS expected,
        p.emissions - m.emissions
        - greatest(
            cast(:advisory_subsector_excess_t AS double precision),
            m.emissions * :advisory_subsector_excess_pct / 100
        ) AS measured
    FROM core.fct_emission AS m
    INNER JOIN parts AS p
        ON
            m.release_id = p.release_id
            AND m.region_code = p.region_code
            AND m.sector_code = p.parent_sector_code
            AND m.year = p.year
    WHERE
        m.run_id = :run_id
        AND m.release_id = any(:release_ids)
        -- Main sectors are all that can match; said here, the rest is not even read.
        AND m.sector_code = {main_sectors}
)

SELECT
    c.*,
    c.measured > 0 AS is_finding
FROM compared AS c
