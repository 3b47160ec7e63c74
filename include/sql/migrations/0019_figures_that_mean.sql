-- Where the publisher spread the nation's change over the municipalities, every own part says so, and how much of
-- the emissions it is about. Rows of earlier method versions do not know it.
ALTER TABLE mart_data.change_part ADD COLUMN near_nation_tonnes_pct double precision;
ALTER TABLE mart_data.change_part ADD COLUMN scaled_share_pct double precision;
ALTER TABLE mart_data.region_overview ADD COLUMN own_part_status text;
ALTER TABLE mart_data.region_overview ADD COLUMN scaled_share_pct double precision;

-- These views have columns more in their middle; they are made anew with all others right after this file.
DROP VIEW IF EXISTS mart.change_part;
DROP VIEW IF EXISTS mart.region_overview;
DROP VIEW IF EXISTS mart.municipality_overview;

-- A total has a revision as published and one without international transport; a sector has the same in both, kept
-- once. What appeared or vanished is no change of a value: a year that is gone no longer counts as changed.
ALTER TABLE core.revision ADD COLUMN boundary text NOT NULL DEFAULT 'every';
UPDATE core.revision
SET boundary = 'published_total'
WHERE sector_code = 'all';
ALTER TABLE core.revision ALTER COLUMN boundary DROP DEFAULT;
ALTER TABLE core.revision ADD CHECK (boundary IN ('every', 'published_total', 'territorial'));
ALTER TABLE core.revision DROP CONSTRAINT revision_pkey;
ALTER TABLE core.revision
ADD PRIMARY KEY (to_release_id, from_release_id, sector_code, boundary, region_code, year);
INSERT INTO core.revision (
    to_release_id, from_release_id, sector_code, boundary, region_code, year, old_emissions, new_emissions,
    movement_rank
)
SELECT
    c.to_release_id,
    c.from_release_id,
    'all' AS sector_code,
    'territorial' AS boundary,
    c.region_code,
    c.year,
    c.old_emissions,
    c.new_emissions,
    CASE
        WHEN c.old_emissions IS NOT NULL AND c.new_emissions IS NOT NULL
            THEN row_number() OVER (
                PARTITION BY
                    c.to_release_id, c.from_release_id, r.level, c.old_emissions IS NULL OR c.new_emissions IS NULL
                ORDER BY abs(c.new_emissions - c.old_emissions) DESC, c.region_code, c.year
            )
    END AS movement_rank
FROM (
    SELECT
        s.to_release_id,
        s.from_release_id,
        s.region_code,
        s.year,
        max(s.emissions) FILTER (WHERE NOT s.is_new) AS old_emissions,
        max(s.emissions) FILTER (WHERE s.is_new) AS new_emissions
    FROM (
        SELECT
            p.to_release_id,
            p.from_release_id,
            f.region_code,
            f.year,
            f.release_id = p.to_release_id AS is_new,
            -- To a gram: two sums of the same numbers are no revision.
            round((sum(CASE f.sector_code WHEN 'all' THEN f.emissions ELSE -f.emissions END))::numeric, 6)
            ::double precision AS emissions
        FROM core.revision_pair AS p
        INNER JOIN core.dim_release AS d ON d.release_id IN (p.to_release_id, p.from_release_id)
        INNER JOIN core.fct_emission AS f ON d.run_id = f.run_id AND d.release_id = f.release_id
        WHERE f.sector_code IN ('all', 'international_transport')
        GROUP BY p.to_release_id, p.from_release_id, f.region_code, f.year, f.release_id
    ) AS s
    GROUP BY s.to_release_id, s.from_release_id, s.region_code, s.year
) AS c
INNER JOIN core.dim_region AS r ON c.region_code = r.region_code
WHERE c.old_emissions IS DISTINCT FROM c.new_emissions;
UPDATE core.revision_pair AS p
SET
    cells_compared = p.cells_compared - x.in_one_only,
    cells_changed = p.cells_changed - x.in_one_only
FROM (
    SELECT
        v.to_release_id,
        v.from_release_id,
        count(*) AS in_one_only
    FROM core.revision AS v
    WHERE v.boundary <> 'territorial' AND (v.old_emissions IS NULL OR v.new_emissions IS NULL)
    GROUP BY v.to_release_id, v.from_release_id
) AS x
WHERE p.to_release_id = x.to_release_id AND p.from_release_id = x.from_release_id;
DROP VIEW IF EXISTS mart.revision;

-- A rate says from which year it is taken, and stands beside the one since 2015.
ALTER TABLE mart_data.target_progress ADD COLUMN achieved_from_year smallint;
ALTER TABLE mart_data.target_progress ADD COLUMN annual_reduction_since_2015 double precision;

-- How far a first-published value moved later, per sector and years since.
CREATE TABLE mart_data.revision_record (
    publication_id bigint NOT NULL,
    sector_code text NOT NULL,
    years_since_first smallint NOT NULL,
    pairs_n integer NOT NULL,
    values_n integer NOT NULL,
    median_moved_pct double precision NOT NULL,
    p90_moved_pct double precision NOT NULL,
    PRIMARY KEY (publication_id, sector_code, years_since_first)
);
