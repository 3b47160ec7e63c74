-- Deletes the results of one old publication.
SELECT ops.drop_old_publication(%(publication_id)s, %(keep_newest)s, %(keep_since)s)
