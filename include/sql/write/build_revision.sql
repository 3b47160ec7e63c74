-- Calculates what moved between two releases of one substance: the total and the main sectors.
-- A cell that only one of them has appeared or vanished. The total is compared as published and without international
-- transport; a sector is the same in both and kept once. Each movement is ranked among those of its sector, boundary
-- and level. Calculated once per pair.
WITH new_facts AS (
    SELECT
        f.sector_code,
        f.region_code,
        f.year,
        f.emissions
    FROM core.fct_emission AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code AND (s.is_main OR s.sector_code = 'all')
    WHERE f.run_id = %(to_run_id)s AND f.release_id = %(to_release_id)s
),

old_facts AS (
    SELECT
        f.sector_code,
        f.region_code,
        f.year,
        f.emissions
    FROM core.fct_emission AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code AND (s.is_main OR s.sector_code = 'all')
    WHERE f.run_id = %(from_run_id)s AND f.release_id = %(from_release_id)s
),

published AS (
    SELECT
        coalesce(n.sector_code, o.sector_code) AS sector_code,
        coalesce(n.region_code, o.region_code) AS region_code,
        coalesce(n.year, o.year) AS year,
        o.emissions AS old_emissions,
        n.emissions AS new_emissions
    FROM new_facts AS n
    FULL OUTER JOIN old_facts AS o
        ON n.sector_code = o.sector_code AND n.region_code = o.region_code AND n.year = o.year
),

cells AS (
    SELECT
        p.sector_code,
        CASE p.sector_code WHEN 'all' THEN 'published_total' ELSE 'every' END AS boundary,
        p.region_code,
        p.year,
        p.old_emissions,
        p.new_emissions
    FROM published AS p
    UNION ALL
    -- To a gram: two sums of the same numbers are no revision.
    SELECT
        t.sector_code,
        'territorial' AS boundary,
        t.region_code,
        t.year,
        round((t.old_emissions - coalesce(i.old_emissions, 0))::numeric, 6)::double precision AS old_emissions,
        round((t.new_emissions - coalesce(i.new_emissions, 0))::numeric, 6)::double precision AS new_emissions
    FROM published AS t
    LEFT JOIN published AS i
        ON t.region_code = i.region_code AND t.year = i.year AND i.sector_code = 'international_transport'
    WHERE t.sector_code = 'all'
),

pair AS (
    INSERT INTO core.revision_pair (to_release_id, from_release_id, cells_compared, cells_changed)
    SELECT
        %(to_release_id)s AS to_release_id,
        %(from_release_id)s AS from_release_id,
        count(*) AS cells_compared,
        count(*) FILTER (WHERE c.old_emissions IS DISTINCT FROM c.new_emissions) AS cells_changed
    FROM published AS c
    WHERE c.old_emissions IS NOT NULL AND c.new_emissions IS NOT NULL
    ON CONFLICT (to_release_id, from_release_id) DO NOTHING
    RETURNING to_release_id, from_release_id
)

INSERT INTO core.revision (
    to_release_id, from_release_id, sector_code, boundary, region_code, year, old_emissions, new_emissions,
    movement_rank
)
SELECT
    p.to_release_id,
    p.from_release_id,
    c.sector_code,
    c.boundary,
    c.region_code,
    c.year,
    c.old_emissions,
    c.new_emissions,
    CASE
        WHEN c.old_emissions IS NOT NULL AND c.new_emissions IS NOT NULL
            THEN row_number() OVER (
                PARTITION BY c.sector_code, c.boundary, r.level, c.old_emissions IS NULL OR c.new_emissions IS NULL
                ORDER BY abs(c.new_emissions - c.old_emissions) DESC, c.region_code, c.year
            )
    END AS movement_rank
FROM cells AS c
INNER JOIN core.dim_region AS r ON c.region_code = r.region_code
CROSS JOIN pair AS p
WHERE c.old_emissions IS DISTINCT FROM c.new_emissions
