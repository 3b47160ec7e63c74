-- Lists the releases that the current figures come from and those they replaced.
-- All greenhouse gases first, newest first.
SELECT
    r.release_id,
    r.dataset,
    r.substance,
    r.published_date,
    r.retrieved_at,
    r.years,
    r.is_current,
    r.gwp_set,
    r.publication_id
FROM mart.release AS r
ORDER BY r.substance = 'ghg' DESC, r.dataset, r.substance, r.published_date DESC, r.known_from DESC, r.release_id;
