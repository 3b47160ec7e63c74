-- Lists those of these emission releases whose sums are not stored yet.
SELECT r.release_id
FROM core.dim_release AS r
WHERE
    r.release_id = ANY(%(release_ids)s)
    AND NOT EXISTS (
        SELECT 1 FROM core.reconciliation AS c
        WHERE c.release_id = r.release_id
    )
