-- Measures the share of municipal totals that changed clearly since the nearest earlier release.
-- Compared are the years that both releases have; a cell that was zero before is left out.
WITH compared AS (
    SELECT
        new.release_id,
        new.region_code,
        new.sector_code,
        new.year,
        new.sheet_row,
        new.{value} AS found,
        old.{value} AS expected,
        {is_odd} AS is_odd
    FROM
        unnest(
            cast(:compared_release_ids AS text[]), cast(:earlier_release_ids AS text[])
        ) AS pair (release_id, earlier_release_id)
    INNER JOIN {rows} AS new
        ON pair.release_id = new.release_id
    INNER JOIN {rows} AS old
        ON
            pair.earlier_release_id = old.release_id
            AND new.substance = old.substance
            AND new.region_code = old.region_code
            AND new.sector_code = old.sector_code
            AND new.year = old.year
    INNER JOIN core.dim_region AS r
        ON new.region_code = r.region_code
    WHERE
        new.run_id = :run_id
        AND new.release_id = any(:release_ids)
        AND old.run_id = any(cast(:earlier_run_ids AS bigint[]))
        AND new.sector_code = 'all'
        AND old.sector_code = 'all'
        AND r.level = 'municipality'
        AND old.{value} > 0
),

shared AS (
    SELECT
        c.*,
        100.0 * count(*) FILTER (WHERE c.is_odd) OVER w / count(*) OVER w AS share_pct
    FROM compared AS c
    WINDOW w AS (PARTITION BY c.release_id)
)

SELECT
    s.release_id,
    s.region_code,
    s.sector_code,
    s.year,
    s.sheet_row,
    s.found,
    s.expected,
    cast(s.share_pct AS double precision) AS measured,
    s.is_odd AND s.share_pct > {limit_value} AS is_finding
FROM shared AS s
