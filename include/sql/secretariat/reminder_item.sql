-- Lists what members and applicants can be reminded of, with its day: lapsing criteria, measures, the open round.
-- The mailer reads this and nothing else of what is known inside.
CREATE OR REPLACE VIEW secretariat.reminder_item AS
WITH cp AS (
    SELECT
        c.publication_id,
        p.as_of_date,
        coalesce(c.registers_at, 'infinity') AS registers_at
    FROM mart.current_publication AS c
    INNER JOIN ops.publication AS p ON c.publication_id = p.publication_id
),

criterion AS (
    SELECT
        d.region_code,
        d.criterion,
        d.status,
        d.lapses_on
    FROM mart_data.criterion AS d
    INNER JOIN cp ON d.publication_id = cp.publication_id
),

change AS (
    SELECT
        h.region_code,
        h.criterion,
        h.status,
        p.as_of_date AS valid_from,
        row_number() OVER (PARTITION BY h.region_code, h.criterion ORDER BY h.publication_id DESC) AS recency,
        lag(h.status) OVER (PARTITION BY h.region_code, h.criterion ORDER BY h.publication_id) AS before
    FROM core.criterion_change AS h
    INNER JOIN ops.publication AS p ON h.publication_id = p.publication_id AND p.published_at IS NOT NULL
),

measure AS (
    SELECT
        s.region_code,
        s.measure_id,
        s.is_overdue,
        s.overdue_from,
        s.stale_from,
        m.title_sv,
        m.title_en
    FROM mart_data.measure_status AS s
    INNER JOIN cp ON s.publication_id = cp.publication_id
    INNER JOIN register.measure AS m
        ON
            s.measure_id = m.measure_id
            AND cp.registers_at >= m.recorded_from
            AND (m.recorded_to IS NULL OR cp.registers_at < m.recorded_to)
),

newest_round AS (
    SELECT
        r.round_id,
        r.closes_on
    FROM register.reporting_round AS r
    INNER JOIN cp
        ON
            r.opens_on <= cp.as_of_date
            AND r.recorded_from <= cp.registers_at
            AND (r.recorded_to IS NULL OR r.recorded_to > cp.registers_at)
    ORDER BY r.opens_on DESC
    LIMIT 1
)

SELECT
    c.region_code,
    'criterion' AS kind,
    c.criterion AS item_id,
    '' AS title_sv,
    '' AS title_en,
    -- The last day on which it is met, or was.
    coalesce(c.lapses_on, h.valid_from) - 1 AS due_on
FROM criterion AS c
LEFT JOIN change AS h
    ON c.region_code = h.region_code AND c.criterion = h.criterion AND h.recency = 1 AND c.status = h.status
WHERE
    (c.status = 'met' AND c.lapses_on IS NOT NULL)
    OR (c.status = 'not_met' AND h.before = 'met')
UNION ALL
SELECT
    m.region_code,
    'measure_end' AS kind,
    m.measure_id AS item_id,
    m.title_sv,
    m.title_en,
    m.overdue_from - 1 AS due_on
FROM measure AS m
WHERE m.overdue_from IS NOT NULL
UNION ALL
-- One thing at a time: what is overdue has to be changed anyway.
SELECT
    m.region_code,
    'measure_stale' AS kind,
    m.measure_id AS item_id,
    m.title_sv,
    m.title_en,
    m.stale_from - 1 AS due_on
FROM measure AS m
WHERE m.stale_from IS NOT NULL AND NOT m.is_overdue
UNION ALL
SELECT
    c.region_code,
    'round' AS kind,
    r.round_id AS item_id,
    '' AS title_sv,
    '' AS title_en,
    r.closes_on AS due_on
FROM criterion AS c
CROSS JOIN newest_round AS r
WHERE c.criterion = 'informing' AND c.status = 'due';
