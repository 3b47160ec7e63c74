-- Lists the cells that the parser refused.
-- A reason that begins with "expected:" is known (a municipality that did not exist yet). Every other refused cell is a
-- finding, because its figure is missing from the release.
SELECT
    r.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    c.sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    c.column_name,
    c.raw_value,
    c.reason,
    NOT starts_with(c.reason, 'expected:') AS is_finding
FROM staging.rejected_cell AS c
INNER JOIN core.dim_release AS r
    ON c.run_id = r.run_id AND c.dataset = r.dataset AND c.substance = r.substance
WHERE c.run_id = :run_id AND r.release_id = any(:release_ids)
