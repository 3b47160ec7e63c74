-- Inserts the verdict on a release or a refused file.
INSERT INTO ops.validation (
    run_id, dataset, substance, release_id, snapshot_sha256, verdict, compared_with, docs_path
)
VALUES (
    %(run_id)s, %(dataset)s, %(substance)s, %(release_id)s, %(snapshot_sha256)s, %(verdict)s,
    %(compared_with)s, %(docs_path)s
)
RETURNING validation_id
