-- The sums of one release, per sector and year: the nation against its counties, counties against their
-- municipalities, the nine sectors against the total.
WITH facts AS (
    SELECT
        f.region_code,
        f.sector_code,
        f.year,
        {value} AS emissions
    FROM {rows} AS f
    WHERE f.run_id = %(run_id)s AND f.release_id = %(release_id)s
),

local AS (
    SELECT
        r.county_code,
        f.sector_code,
        f.year,
        sum(f.emissions) AS municipalities
    FROM facts AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code AND r.level = 'municipality'
    GROUP BY r.county_code, f.sector_code, f.year
),

counties AS (
    SELECT
        f.sector_code,
        f.year,
        sum(f.emissions) AS counties,
        max(abs(f.emissions - l.municipalities)) AS largest_county_gap
    FROM facts AS f
    INNER JOIN local AS l
        ON f.region_code = l.county_code AND f.sector_code = l.sector_code AND f.year = l.year
    GROUP BY f.sector_code, f.year
),

sectors AS (
    SELECT
        f.region_code,
        f.year,
        sum(f.emissions) FILTER (WHERE s.is_main) AS mains,
        max(f.emissions) FILTER (WHERE f.sector_code = 'all') AS total
    FROM facts AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code
    GROUP BY f.region_code, f.year
),

gaps AS (
    SELECT
        x.year,
        max(abs(x.mains - x.total)) AS sector_sum_gap
    FROM sectors AS x
    GROUP BY x.year
)

INSERT INTO core.reconciliation (
    release_id, sector_code, year, nation, counties, unallocated, largest_county_gap, sector_sum_gap
)
SELECT
    %(release_id)s AS release_id,
    n.sector_code,
    n.year,
    n.emissions AS nation,
    c.counties,
    n.emissions - c.counties AS unallocated,
    c.largest_county_gap,
    CASE WHEN n.sector_code = 'all' THEN g.sector_sum_gap END AS sector_sum_gap
FROM facts AS n
INNER JOIN counties AS c ON n.sector_code = c.sector_code AND n.year = c.year
INNER JOIN gaps AS g ON n.year = g.year
WHERE n.region_code = '00'
ON CONFLICT (release_id, sector_code, year) DO NOTHING
