-- Members' own targets whose status differs between two publications; national lines are no standings.
SELECT
    n.region_code,
    n.target_id,
    o.status AS old_status,
    n.status AS new_status
FROM mart_data.target_progress AS n
INNER JOIN mart_data.target_progress AS o
    ON
        n.region_code = o.region_code
        AND n.target_id = o.target_id
        AND o.publication_id = %(old_publication_id)s
WHERE
    n.publication_id = %(new_publication_id)s
    AND n.is_own_target
    AND n.status <> o.status
ORDER BY n.region_code, n.target_id
