-- Measures the share of values that moved by more than the stated percent since the nearest earlier release.
-- One row per release, with the share that moved.
WITH compared AS (
    SELECT
        p.release_id,
        p.earlier_release_id,
        p.earlier_run_id
    FROM
        unnest(
            cast(:compared_release_ids AS text[]),
            cast(:earlier_release_ids AS text[]),
            cast(:earlier_run_ids AS bigint[])
        ) AS p (release_id, earlier_release_id, earlier_run_id)
    WHERE p.release_id = any(:release_ids)
),

shares AS (
    SELECT
        c.release_id,
        count(*) AS common_count,
        count(*) FILTER (
            WHERE abs(f.{value} - e.{value}) > :hold_moved_pct / 100.0 * abs(e.{value})
        ) AS moved_count
    FROM compared AS c
    INNER JOIN {rows} AS e ON c.earlier_run_id = e.run_id AND c.earlier_release_id = e.release_id
    INNER JOIN {rows} AS f ON f.run_id = :run_id AND c.release_id = f.release_id AND {same_key}
    GROUP BY c.release_id
)

SELECT
    s.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(s.moved_count AS double precision) AS found,
    cast(s.common_count AS double precision) AS expected,
    cast(100.0 * s.moved_count / s.common_count AS double precision) AS measured,
    100.0 * s.moved_count / s.common_count > :hold_moved_share_pct AS is_finding
FROM shares AS s
