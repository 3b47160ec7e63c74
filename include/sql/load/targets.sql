SELECT
    target_id,
    owner_region_code,
    is_national_line,
    definition
FROM register.target
ORDER BY target_id
