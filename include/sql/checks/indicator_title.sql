-- Finds key figures whose title changed since the nearest earlier release: they may mean another thing now.
-- A finding names the figure, its new title (found) and its old one (expected).
SELECT
    f.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    f.sheet_row,
    f.title AS found,
    e.title AS expected,
    cast(NULL AS double precision) AS measured,
    f.indicator_code AS column_name,
    f.title <> e.title AS is_finding
FROM
    unnest(
        cast(:compared_release_ids AS text[]),
        cast(:earlier_release_ids AS text[]),
        cast(:earlier_run_ids AS bigint[])
    ) AS p (release_id, earlier_release_id, earlier_run_id)
INNER JOIN core.fct_indicator_definition AS f ON f.run_id = :run_id AND p.release_id = f.release_id
INNER JOIN core.fct_indicator_definition AS e
    ON
        p.earlier_run_id = e.run_id
        AND p.earlier_release_id = e.release_id
        AND f.indicator_code = e.indicator_code
WHERE p.release_id = any(:release_ids)
