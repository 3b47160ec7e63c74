-- Lists the publications that are no longer needed, oldest first.
SELECT d.publication_id
FROM ops.publications_to_drop(%(keep_newest)s, %(keep_since)s) AS d (publication_id)
