-- Shows how fresh each dataset is.
SELECT
    dataset,
    substance,
    status,
    release_id,
    published_date,
    next_expected,
    last_checked_at::timestamp(0) AS last_checked_utc
FROM mart.data_status
ORDER BY dataset, substance
