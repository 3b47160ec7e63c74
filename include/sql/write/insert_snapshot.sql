-- Inserts a snapshot of a publisher's bytes.
INSERT INTO ops.snapshot (
    snapshot_sha256, source, dataset, substance, url, size_bytes, known_from, retrieved_at, manifest_path, run_id
)
VALUES (
    %(snapshot_sha256)s, %(source)s, %(dataset)s, %(substance)s, %(url)s, %(size_bytes)s, %(known_from)s,
    %(retrieved_at)s, %(manifest_path)s, %(run_id)s
)
ON CONFLICT (snapshot_sha256, dataset, substance) DO NOTHING
