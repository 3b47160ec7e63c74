-- Measures the share of municipalities, or of their tonnes, whose sector changed exactly as the nation's did.
-- Of a new last year; the greater of the two shares counts, tonnes being those of the year before. What the publisher
-- scales with the nation holds no local information.
WITH new_year AS MATERIALIZED (
    SELECT
        y.release_id,
        max(y.year) AS year
    FROM {new_last_years} AS y
    INNER JOIN core.dim_release AS d ON y.release_id = d.release_id AND y.year = d.years[cardinality(d.years)]
    GROUP BY y.release_id
),

cell AS MATERIALIZED (
    SELECT
        f.release_id,
        f.year,
        f.region_code,
        f.sector_code,
        f.{value} AS amount
    FROM {rows} AS f
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND f.sector_code <> 'international_transport'
        AND f.sector_code = {main_sectors}
        AND (
            f.region_code = '00'
            OR f.region_code = {municipalities}
        )
),

-- Windows over one scan, no join of the cells with themselves: the planner cannot tell how few they are.
stepped AS (
    SELECT
        c.release_id,
        c.year,
        c.region_code,
        c.sector_code,
        c.amount,
        lag(c.year) OVER w AS year_before,
        lag(c.amount) OVER w AS amount_before
    FROM cell AS c
    WINDOW w AS (PARTITION BY c.release_id, c.sector_code, c.region_code ORDER BY c.year)
),

beside AS (
    SELECT
        s.release_id,
        s.year,
        s.year_before,
        s.region_code,
        s.sector_code,
        s.amount / nullif(s.amount_before, 0) AS ratio,
        s.amount_before,
        max(s.amount / nullif(s.amount_before, 0)) FILTER (WHERE s.region_code = '00') OVER w AS nation_ratio
    FROM stepped AS s
    WINDOW w AS (PARTITION BY s.release_id, s.sector_code, s.year)
),

shares AS (
    SELECT
        m.release_id,
        m.year,
        m.year_before,
        m.sector_code,
        m.nation_ratio AS ratio,
        greatest(
            100.0 * count(*) FILTER (
                WHERE
                abs(m.ratio - m.nation_ratio) <= :new_year_near_pct / 100.0
            ) / count(*),
            100.0 * coalesce(sum(m.amount_before) FILTER (
                WHERE
                abs(m.ratio - m.nation_ratio) <= :new_year_near_pct / 100.0
            ), 0) / sum(m.amount_before)
        ) AS share_pct
    FROM beside AS m
    INNER JOIN new_year AS y ON m.release_id = y.release_id AND m.year = y.year
    WHERE m.region_code <> '00' AND m.amount_before > 0 AND m.nation_ratio IS NOT NULL
    GROUP BY m.release_id, m.year, m.year_before, m.sector_code, m.nation_ratio
)

SELECT
    s.release_id,
    '00' AS region_code,
    s.sector_code,
    cast(s.year AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    s.ratio AS found,
    cast(NULL AS double precision) AS expected,
    cast(s.share_pct AS double precision) AS measured,
    'gånger/times ' || s.year_before AS reason,
    s.share_pct > :new_year_sector_uniform_pct AS is_finding
FROM shares AS s
