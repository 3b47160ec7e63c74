-- Switches readers to a publication: one UPDATE of one row, refused when another publication came first.
UPDATE mart.current_publication
SET
    publication_id = %(publication_id)s,
    as_of_date = %(as_of_date)s,
    origin = %(origin)s,
    published_at = clock_timestamp(),
    (registers_at, results_id) = (
        SELECT
            p.registers_at,
            p.results_id
        FROM ops.publication AS p
        WHERE p.publication_id = %(publication_id)s
    )
WHERE publication_id = %(previous_publication_id)s
