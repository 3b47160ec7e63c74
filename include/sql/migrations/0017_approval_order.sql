-- Of releases of one series with the same publisher's date and the same day of knowledge, a person says which
-- corrects which: the approval that came later corrects. The number of that decision is kept with the release; it is
-- negative where the person said that the approved release is the older one. 0: nobody was asked.
ALTER TABLE core.dim_release ADD COLUMN approval_number bigint NOT NULL DEFAULT 0;
UPDATE core.dim_release AS d
SET approval_number = x.approval_number
FROM (
    SELECT
        r.release_id,
        max(r.decision_id) AS approval_number
    FROM ops.release_decision AS r
    WHERE r.action = 'approve'
    GROUP BY r.release_id
) AS x
WHERE d.release_id = x.release_id;
-- Where nobody was asked, the content hash decided until now. What readers see must not change by an upgrade: that
-- order is written down once, as numbers below zero, before every answer that is still to come.
UPDATE core.dim_release AS d
SET approval_number = x.approval_number
FROM (
    SELECT
        r.release_id,
        row_number() OVER w - count(*) OVER (PARTITION BY r.dataset, r.substance, r.published_date, r.known_from)
            AS approval_number,
        count(*) OVER (PARTITION BY r.dataset, r.substance, r.published_date, r.known_from) AS tied_count
    FROM core.dim_release AS r
    WHERE r.state IN ('validated', 'published', 'withdrawn')
    WINDOW w AS (
        PARTITION BY r.dataset, r.substance, r.published_date, r.known_from
        ORDER BY r.content_sha256 COLLATE "C"
    )
) AS x
WHERE d.release_id = x.release_id AND x.tied_count > 1;
