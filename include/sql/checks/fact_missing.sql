-- Measures the share of a year's rows without a value, against that share in the whole release before.
-- In points of percent.
WITH counted AS (
    SELECT
        f.run_id,
        f.release_id,
        {year} AS year,
        v.column_name,
        count(*) AS row_count,
        count(*) FILTER (WHERE v.is_missing) AS missing_count
    FROM {rows} AS f
    CROSS JOIN LATERAL (VALUES {missing_values}) AS v (column_name, is_missing)
    WHERE
        (f.run_id = :run_id AND f.release_id = any(:release_ids))
        OR (
            f.run_id = any(cast(:earlier_run_ids AS bigint[]))
            AND f.release_id = any(cast(:earlier_release_ids AS text[]))
        )
    GROUP BY f.run_id, f.release_id, {year}, v.column_name
),

whole AS (
    SELECT
        c.release_id,
        c.column_name,
        100.0 * sum(c.missing_count) / sum(c.row_count) AS missing_pct
    FROM counted AS c
    GROUP BY c.release_id, c.column_name
)

SELECT
    c.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(c.year AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(100.0 * c.missing_count / c.row_count AS double precision) AS found,
    cast(w.missing_pct AS double precision) AS expected,
    cast(100.0 * c.missing_count / c.row_count - w.missing_pct AS double precision) AS measured,
    c.column_name,
    c.column_name || ', saknas av/missing of ' || c.row_count AS reason,
    100.0 * c.missing_count / c.row_count - w.missing_pct > :hold_missing_points AS is_finding
FROM
    unnest(
        cast(:compared_release_ids AS text[]), cast(:earlier_release_ids AS text[])
    ) AS p (release_id, earlier_release_id)
INNER JOIN counted AS c ON p.release_id = c.release_id AND c.run_id = :run_id
INNER JOIN whole AS w ON p.earlier_release_id = w.release_id AND c.column_name = w.column_name
