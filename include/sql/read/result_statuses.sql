-- Reads what every result table holds under a publication.
SELECT
    table_name,
    status,
    reason,
    because_of,
    reason_sv,
    reason_en,
    error_class,
    error_message,
    computed_publication_id,
    failing_since_publication_id
FROM mart_data.result_status
WHERE publication_id = %(publication_id)s
ORDER BY table_name
