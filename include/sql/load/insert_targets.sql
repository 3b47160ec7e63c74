INSERT INTO register.target (
    target_id, owner_region_code, is_national_line, definition, name_sv, name_en, decided_on, decision_body,
    document_url, valid_from, valid_to, superseded_by
)
VALUES %s
