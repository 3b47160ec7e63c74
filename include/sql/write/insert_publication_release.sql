-- Adds a release to a publication, with its gates and the release it follows.
INSERT INTO ops.publication_release (
    publication_id, release_id, is_current, earlier_release_id, validation_id
)
SELECT
    %(publication_id)s AS publication_id,
    %(release_id)s AS release_id,
    %(is_current)s AS is_current,
    %(earlier_release_id)s AS earlier_release_id,
    (
        SELECT max(v.validation_id) FROM ops.validation AS v
        WHERE v.release_id = %(release_id)s
    ) AS validation_id
