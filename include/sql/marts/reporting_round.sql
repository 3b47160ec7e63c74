-- Shows the reporting rounds with the number of members that answered.
CREATE OR REPLACE VIEW mart.reporting_round AS
SELECT
    m.round_id,
    m.opens_on,
    m.closes_on,
    (
        SELECT count(DISTINCT a.region_code)
        FROM register.answer AS a
        WHERE
            a.round_id = m.round_id
            AND a.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
            AND (
                a.recorded_to IS NULL
                OR a.recorded_to
                > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
            )
    )::integer AS answer_count,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.reporting_round AS m
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
