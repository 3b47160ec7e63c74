-- Calculates the sums of one release, per sector and year.
-- The nation against its counties, counties against their municipalities, the nine sectors against the total. An area
-- is a county with its municipalities, or the nation.
WITH facts AS (
    SELECT
        f.region_code,
        f.sector_code,
        f.year,
        {value} AS emissions
    FROM {rows} AS f
    WHERE f.run_id = %(run_id)s AND f.release_id = %(release_id)s
),

areas AS (
    SELECT
        f.sector_code,
        f.year,
        coalesce(r.county_code, f.region_code) AS area_code,
        sum(f.emissions) FILTER (WHERE r.level = 'nation') AS nation,
        sum(f.emissions) FILTER (WHERE r.level = 'county') AS county,
        sum(f.emissions) FILTER (WHERE r.level = 'municipality') AS municipalities
    FROM facts AS f
    INNER JOIN core.dim_region AS r ON f.region_code = r.region_code
    GROUP BY f.sector_code, f.year, coalesce(r.county_code, f.region_code)
),

sums AS (
    SELECT
        a.sector_code,
        a.year,
        sum(a.nation) AS nation,
        sum(a.county) FILTER (WHERE a.municipalities IS NOT NULL) AS counties,
        max(abs(a.county - a.municipalities)) AS largest_county_gap
    FROM areas AS a
    GROUP BY a.sector_code, a.year
),

totals AS (
    SELECT
        f.region_code,
        f.year,
        sum(f.emissions) FILTER (WHERE s.is_main) AS mains,
        sum(f.emissions) FILTER (WHERE NOT s.is_main) AS total
    FROM facts AS f
    INNER JOIN core.dim_sector AS s ON f.sector_code = s.sector_code AND (s.is_main OR s.sector_code = 'all')
    GROUP BY f.region_code, f.year
),

gaps AS (
    SELECT
        t.year,
        max(abs(t.mains - t.total)) AS sector_sum_gap
    FROM totals AS t
    GROUP BY t.year
)

INSERT INTO core.reconciliation (
    release_id, sector_code, year, nation, counties, unallocated, largest_county_gap, sector_sum_gap
)
SELECT
    %(release_id)s AS release_id,
    u.sector_code,
    u.year,
    u.nation,
    u.counties,
    u.nation - u.counties AS unallocated,
    u.largest_county_gap,
    CASE WHEN u.sector_code = 'all' THEN g.sector_sum_gap END AS sector_sum_gap
FROM sums AS u
INNER JOIN gaps AS g ON u.year = g.year
WHERE u.nation IS NOT NULL AND u.counties IS NOT NULL
ON CONFLICT (release_id, sector_code, year) DO NOTHING
