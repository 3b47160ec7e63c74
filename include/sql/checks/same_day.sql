-- Finds releases of one series with the same publisher's date and the same day of knowledge.
-- Nothing says which of them corrects which, so a person decides. Two that were loaded together are both held.
SELECT
    d.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    'samma dag som/same day as ' || o.release_id AS reason,
    TRUE AS is_finding
FROM core.dim_release AS d
INNER JOIN core.dim_release AS o
    ON
        d.dataset = o.dataset
        AND d.substance = o.substance
        AND d.published_date = o.published_date
        AND d.known_from = o.known_from
        AND d.release_id <> o.release_id
WHERE
    d.run_id = :run_id
    AND d.release_id = any(:release_ids)
    AND (
        o.state IN ('validated', 'held', 'published', 'withdrawn')
        OR (o.state = 'loaded' AND o.run_id = d.run_id)
    )
