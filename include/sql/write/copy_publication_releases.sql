-- Copies the releases of another publication, with their gates and the releases they follow.
INSERT INTO ops.publication_release (
    publication_id, release_id, is_current, earlier_release_id, validation_id
)
SELECT
    %(publication_id)s AS publication_id,
    pr.release_id,
    pr.is_current,
    pr.earlier_release_id,
    pr.validation_id
FROM ops.publication_release AS pr
WHERE pr.publication_id = %(previous_publication_id)s
