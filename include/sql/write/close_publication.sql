-- Marks a publication as published and the one before it as superseded.
UPDATE ops.publication
SET
    state = CASE WHEN publication_id = %(publication_id)s THEN 'published' ELSE 'superseded' END,
    causes = CASE WHEN publication_id = %(publication_id)s THEN %(causes)s::jsonb ELSE causes END,
    published_at
    = CASE WHEN publication_id = %(publication_id)s THEN clock_timestamp() ELSE published_at END
WHERE publication_id IN (%(publication_id)s, %(previous_publication_id)s)
