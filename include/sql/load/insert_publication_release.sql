INSERT INTO ops.publication_release (publication_id, release_id, is_current)
VALUES (%(publication_id)s, %(release_id)s, %(is_current)s)
