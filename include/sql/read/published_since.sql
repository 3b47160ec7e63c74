-- Reads the current publication, if it calculated its results and was published since a moment.
SELECT publication_id
FROM mart.current_publication
WHERE published_at >= %(moment)s AND results_id IS NULL
