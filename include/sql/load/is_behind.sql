-- Whether other content of the same series was retrieved after a release, up to a day: the release is no longer what
-- the publisher shows, though its content may come back.
SELECT
    exists(
        SELECT 1
        FROM core.dim_release AS later
        WHERE
            later.dataset = held.dataset
            AND later.substance = held.substance
            AND later.published_date > held.published_date
            AND later.published_date <= %(retrieved)s
            AND later.state IN ('loaded', 'validated', 'held', 'published')
    ) AS is_behind
FROM core.dim_release AS held
WHERE held.release_id = %(release_id)s
