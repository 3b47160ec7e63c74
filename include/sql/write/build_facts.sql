-- Copies the current rows of a fact into a new facts id, unseen until the switch.
-- Two releases can hold the same key (a series continued in another dataset). Then one of a fall-back dataset never
-- wins; else the later release wins; of two of one day, the dataset whose name comes first (the table before its yearly
-- successor, the service before the workbook).
INSERT INTO {current_rows} (facts_id, {columns}, release_id)
SELECT DISTINCT ON ({key})
    %(facts_id)s,
    {columns},
    release_id
FROM (
    SELECT
        f.*,
        d.dataset = ANY(%(fall_back)s) AS is_fall_back,
        d.published_date AS release_published,
        d.known_from AS release_known,
        d.dataset AS release_dataset
    FROM {rows} AS f
    INNER JOIN core.dim_release AS d ON f.release_id = d.release_id
    WHERE f.run_id = ANY(%(run_ids)s) AND f.release_id = ANY(%(release_ids)s)
) AS x
ORDER BY {key}, is_fall_back ASC, release_published DESC, release_known DESC, release_dataset ASC
