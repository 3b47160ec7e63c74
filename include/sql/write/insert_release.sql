-- Inserts a loaded release.
INSERT INTO core.dim_release (
    release_id, source, dataset, substance, unit, gwp_set, published_date, known_from, retrieved_at,
    content_sha256, file_sha256, years, row_count, rejected_count, notes, origin, state, run_id
)
VALUES (
    %(release_id)s, %(source)s, %(dataset)s, %(substance)s, %(unit)s, %(gwp_set)s, %(published_date)s,
    %(known_from)s, %(retrieved_at)s, %(content_sha256)s, %(file_sha256)s, %(years)s, %(row_count)s,
    %(rejected_count)s, %(notes)s, %(origin)s, 'loaded', %(run_id)s
)
