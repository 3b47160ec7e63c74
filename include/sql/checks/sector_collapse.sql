-- A municipality's main sector that falls almost to nothing between large years: below some percent of the
-- smaller of its two neighbours in time, where both are large. The last year has one neighbour, the year
-- before it; the first year cannot have fallen. What stays low afterwards is a closure, not a finding.
WITH neighbours AS (
    SELECT
        f.release_id,
        f.region_code,
        f.sector_code,
        f.year,
        f.sheet_row,
        f.emissions,
        lag(f.emissions) OVER w AS t_before,
        lead(f.emissions) OVER w AS t_after
    FROM core.fct_emission AS f
    -- Lists instead of joins, and the window in the order of the key: nothing need be sorted.
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND f.region_code = any(
            array(
                SELECT r.region_code
                FROM core.dim_region AS r
                WHERE r.level = 'municipality'
            )
        )
        AND f.sector_code = any(
            array(
                SELECT s.sector_code
                FROM core.dim_sector AS s
                WHERE s.is_main
            )
        )
    WINDOW w AS (PARTITION BY f.release_id, f.substance, f.region_code, f.sector_code ORDER BY f.year)
)

SELECT
    n.release_id,
    n.region_code,
    n.sector_code,
    n.year,
    n.sheet_row,
    n.emissions AS found,
    least(n.t_before, n.t_after) AS expected,
    100 * n.emissions / least(n.t_before, n.t_after) AS measured,
    n.emissions < least(n.t_before, n.t_after) * :advisory_collapse_to_pct / 100 AS is_finding
FROM neighbours AS n
WHERE n.t_before > :advisory_collapse_from_t AND coalesce(n.t_after, n.t_before) > :advisory_collapse_from_t
