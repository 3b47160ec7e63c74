-- Records the last check of a dataset and its freshness.
INSERT INTO ops.dataset_check (
    source, dataset, substance, last_checked_at, as_of_date, next_expected, status, detail
)
VALUES (
    %(source)s, %(dataset)s, %(substance)s, %(last_checked_at)s, %(as_of_date)s, %(next_expected)s,
    %(status)s, %(detail)s
)
ON CONFLICT (source, dataset, substance) DO UPDATE SET
    last_checked_at = excluded.last_checked_at,
    as_of_date = excluded.as_of_date,
    next_expected = excluded.next_expected,
    status = excluded.status,
    detail = excluded.detail
