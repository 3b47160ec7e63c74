-- Finds columns in which every value is missing, though the release before has some.
-- Without a release before, only the fact's main measure counts.
WITH counted AS (
    SELECT
        f.run_id,
        f.release_id,
        v.column_name,
        count(*) AS row_count,
        count(*) FILTER (WHERE NOT v.is_missing) AS value_count
    FROM {rows} AS f
    CROSS JOIN LATERAL (VALUES {missing_values}) AS v (column_name, is_missing)
    WHERE
        (f.run_id = :run_id AND f.release_id = any(:release_ids))
        OR (
            f.run_id = any(cast(:earlier_run_ids AS bigint[]))
            AND f.release_id = any(cast(:earlier_release_ids AS text[]))
        )
    GROUP BY f.run_id, f.release_id, v.column_name
)

SELECT
    c.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(c.value_count AS double precision) AS found,
    cast(e.value_count AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    c.column_name,
    c.column_name || ', saknas i alla rader/missing in all rows ' || c.row_count AS reason,
    c.value_count = 0 AND coalesce(e.value_count > 0, c.column_name = '{value}') AS is_finding
FROM counted AS c
LEFT JOIN
    unnest(
        cast(:compared_release_ids AS text[]), cast(:earlier_release_ids AS text[])
    ) AS p (release_id, earlier_release_id)
    ON c.release_id = p.release_id
LEFT JOIN counted AS e ON p.earlier_release_id = e.release_id AND c.column_name = e.column_name
WHERE c.run_id = :run_id AND c.release_id = any(:release_ids)
