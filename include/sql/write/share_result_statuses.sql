-- Copies what the shared tables of another publication hold.
INSERT INTO mart_data.result_status (
    publication_id, table_name, status, reason, because_of, reason_sv, reason_en, error_class, error_message,
    computed_publication_id, failing_since_publication_id
)
SELECT
    %(publication_id)s AS publication_id,
    s.table_name,
    s.status,
    s.reason,
    s.because_of,
    s.reason_sv,
    s.reason_en,
    s.error_class,
    s.error_message,
    s.computed_publication_id,
    s.failing_since_publication_id
FROM mart_data.result_status AS s
WHERE
    s.publication_id = %(previous_publication_id)s
    AND s.table_name NOT IN (SELECT t.table_name FROM unnest(%(own_tables)s::text[]) AS t (table_name))
