-- Measures the share of the nearest earlier release's rows whose key this release lacks.
-- Such rows come from a page that was not fetched, or a year or an area that was dropped. One row per release.
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
        count(*) AS earlier_count,
        count(*) FILTER (WHERE f.release_id IS NULL) AS gone_count
    FROM compared AS c
    INNER JOIN {rows} AS e ON c.earlier_run_id = e.run_id AND c.earlier_release_id = e.release_id
    LEFT JOIN {rows} AS f ON f.run_id = :run_id AND c.release_id = f.release_id AND {same_key}
    GROUP BY c.release_id
)

SELECT
    s.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(s.gone_count AS double precision) AS found,
    cast(s.earlier_count AS double precision) AS expected,
    cast(100.0 * s.gone_count / s.earlier_count AS double precision) AS measured,
    100.0 * s.gone_count / s.earlier_count > :hold_vanished_share_pct AS is_finding
FROM shares AS s
