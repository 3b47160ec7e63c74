-- Measures a check per release: the largest and smallest value, and the number of findings.
-- Great Expectations replaces the slot "batch" with the partition of the run. It reports a query without that slot as
-- looking outside the batch, and it would name the batch itself in a query without a JOIN.
SELECT
    c.release_id,
    max(c.measured) AS largest,
    min(c.measured) AS smallest,
    count(*) FILTER (WHERE c.is_finding) AS finding_count,
    b.has_rows
FROM ({check}) AS c
CROSS JOIN (SELECT exists(SELECT 1 FROM {batch}) AS has_rows) AS b
GROUP BY c.release_id, b.has_rows
