-- The rows of a register that are in force.
SELECT
    entry_id,
    row_sha256
FROM {rows}
WHERE recorded_to IS NULL AND {same_key}
