-- Records criterion statuses that differ from the last published ones; a member no longer asked ends its row.
INSERT INTO core.criterion_change (publication_id, region_code, criterion, status, shown_status, reason)
SELECT
    %(publication_id)s AS publication_id,
    coalesce(n.region_code, o.region_code) AS region_code,
    coalesce(n.criterion, o.criterion) AS criterion,
    n.status,
    n.shown_status,
    n.reason
FROM (
    SELECT
        c.region_code,
        c.criterion,
        c.status,
        c.shown_status,
        c.reason
    FROM mart_data.criterion AS c
    WHERE c.publication_id = %(publication_id)s
) AS n
FULL JOIN (
    SELECT DISTINCT ON (c.region_code, c.criterion)
        c.region_code,
        c.criterion,
        c.status,
        c.shown_status,
        c.reason
    FROM core.criterion_change AS c
    INNER JOIN ops.publication AS p ON c.publication_id = p.publication_id AND p.published_at IS NOT NULL
    ORDER BY c.region_code, c.criterion, c.publication_id DESC
) AS o ON n.region_code = o.region_code AND n.criterion = o.criterion
WHERE (n.status, n.shown_status, n.reason) IS DISTINCT FROM (o.status, o.shown_status, o.reason)
