-- Lists the files behind the releases; the one that was read comes first.
SELECT
    release_id,
    file_sha256,
    is_read,
    published_date,
    url,
    retrieved_at,
    size_bytes,
    manifest_path
FROM mart.release_file
ORDER BY release_id, is_read DESC, file_sha256
