SELECT publication_id
FROM mart.current_publication
WHERE published_at >= %(moment)s AND results_id IS NULL
