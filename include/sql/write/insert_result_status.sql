-- Inserts what a result table holds under a publication.
INSERT INTO mart_data.result_status (
    publication_id, table_name, status, reason, because_of, reason_sv, reason_en, error_class, error_message,
    computed_publication_id, failing_since_publication_id
)
VALUES (
    %(publication_id)s, %(table_name)s, %(status)s, %(reason)s, %(because_of)s, %(reason_sv)s, %(reason_en)s,
    %(error_class)s, %(error_message)s, %(computed_publication_id)s, %(failing_since_publication_id)s
)
