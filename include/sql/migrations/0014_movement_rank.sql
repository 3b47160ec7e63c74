-- The largest movements of a pair of releases, ranked once when the pair is compared: whoever asks for them reads
-- them off an index, and does not sort all cells again.
ALTER TABLE core.revision ADD COLUMN movement_rank integer;
UPDATE core.revision AS v
SET movement_rank = x.movement_rank
FROM (
    SELECT
        c.to_release_id,
        c.from_release_id,
        c.sector_code,
        c.region_code,
        c.year,
        row_number() OVER (
            PARTITION BY c.to_release_id, c.from_release_id, c.sector_code, r.level
            ORDER BY abs(c.new_emissions - c.old_emissions) DESC, c.region_code, c.year
        ) AS movement_rank
    FROM core.revision AS c
    INNER JOIN core.dim_region AS r ON c.region_code = r.region_code
    WHERE c.old_emissions IS NOT NULL AND c.new_emissions IS NOT NULL
) AS x
WHERE
    v.to_release_id = x.to_release_id
    AND v.from_release_id = x.from_release_id
    AND v.sector_code = x.sector_code
    AND v.region_code = x.region_code
    AND v.year = x.year;
ALTER TABLE core.revision
ADD CHECK ((movement_rank IS NULL) = (old_emissions IS NULL OR new_emissions IS NULL));
CREATE INDEX revision_largest ON core.revision (to_release_id, from_release_id, sector_code, movement_rank)
WHERE movement_rank <= 100;

-- The view has a column more in its middle; it is made anew with all others right after this file.
DROP VIEW IF EXISTS mart.revision;
