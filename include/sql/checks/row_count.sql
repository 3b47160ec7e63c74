-- Compares the rows and rejected cells that the release declares with those in the warehouse.
WITH counted AS (
    SELECT
        f.release_id,
        count(*) AS row_count
    FROM {rows} AS f
    WHERE f.run_id = :run_id AND f.release_id = any(:release_ids)
    GROUP BY f.release_id
),

refused AS (
    SELECT
        r.release_id,
        count(c.run_id) AS row_count
    FROM core.dim_release AS r
    LEFT JOIN staging.rejected_cell AS c
        ON r.run_id = c.run_id AND r.dataset = c.dataset AND r.substance = c.substance
    WHERE r.release_id = any(:release_ids)
    GROUP BY r.release_id
),

compared AS (
    SELECT
        r.release_id,
        'facts' AS column_name,
        coalesce(c.row_count, 0) AS found,
        r.row_count AS expected
    FROM core.dim_release AS r
    LEFT JOIN counted AS c ON r.release_id = c.release_id
    WHERE r.release_id = any(:release_ids)
    UNION ALL
    SELECT
        r.release_id,
        'rejected cells' AS column_name,
        x.row_count AS found,
        r.rejected_count AS expected
    FROM core.dim_release AS r
    INNER JOIN refused AS x ON r.release_id = x.release_id
)

SELECT
    c.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(c.found AS double precision) AS found,
    cast(c.expected AS double precision) AS expected,
    cast(abs(c.found - c.expected) AS double precision) AS measured,
    c.column_name,
    c.found <> c.expected AS is_finding
FROM compared AS c
