-- Releases that are withdrawn and restored, with a record of every decision; which earlier release each one
-- follows upon under a publication, and what moved between the two.

-- Every decision of a person on a release, oldest first; the last one also stands in core.dim_release.
CREATE TABLE ops.release_decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    release_id text NOT NULL REFERENCES core.dim_release,
    action text NOT NULL CHECK (action IN ('approve', 'reject', 'withdraw', 'restore')),
    from_state text NOT NULL,
    to_state text NOT NULL,
    decided_by text NOT NULL,
    reason text,
    decided_at timestamptz NOT NULL
);
INSERT INTO ops.release_decision (release_id, action, from_state, to_state, decided_by, reason, decided_at)
SELECT
    release_id,
    CASE state WHEN 'rejected' THEN 'reject' ELSE 'approve' END AS action,
    'held' AS from_state,
    CASE state WHEN 'rejected' THEN 'rejected' ELSE 'validated' END AS to_state,
    decided_by,
    decision_reason AS reason,
    decided_at
FROM core.dim_release
WHERE decided_by IS NOT NULL AND decided_at IS NOT NULL;

-- What the hold gates of a validation were compared with.
ALTER TABLE ops.validation ADD COLUMN compared_with text REFERENCES core.dim_release;

-- Under a publication a release has one set of gates and one release before it, whatever comes later.
ALTER TABLE ops.publication_release
ADD COLUMN validation_id bigint REFERENCES ops.validation,
ADD COLUMN earlier_release_id text REFERENCES core.dim_release;
UPDATE ops.publication_release AS pr
SET
    validation_id = (
        SELECT max(v.validation_id) FROM ops.validation AS v
        WHERE v.release_id = pr.release_id
    ),
    earlier_release_id = x.earlier_release_id
FROM (
    SELECT
        p.publication_id,
        p.release_id,
        lag(p.release_id) OVER (
            PARTITION BY p.publication_id, d.dataset, d.substance
            ORDER BY d.published_date, d.known_from, d.content_sha256 COLLATE "C"
        ) AS earlier_release_id
    FROM ops.publication_release AS p
    INNER JOIN core.dim_release AS d ON p.release_id = d.release_id
) AS x
WHERE pr.publication_id = x.publication_id AND pr.release_id = x.release_id;

-- Reckoned once per pair of releases, like the sums of one release: facts of a release never change.
CREATE TABLE core.revision_pair (
    to_release_id text NOT NULL REFERENCES core.dim_release,
    from_release_id text NOT NULL REFERENCES core.dim_release,
    cells_compared integer NOT NULL,
    cells_changed integer NOT NULL,
    PRIMARY KEY (to_release_id, from_release_id)
);
-- The total and the main sectors, only cells that differ; every sector of any two releases is one function away.
-- Without a foreign key, like facts: it would be looked up once per cell.
CREATE TABLE core.revision (
    to_release_id text NOT NULL,
    from_release_id text NOT NULL,
    sector_code text NOT NULL,
    region_code text NOT NULL,
    year smallint NOT NULL,
    old_emissions double precision,
    new_emissions double precision,
    PRIMARY KEY (to_release_id, from_release_id, sector_code, region_code, year),
    CHECK (old_emissions IS DISTINCT FROM new_emissions)
);
