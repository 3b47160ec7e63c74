CREATE OR REPLACE VIEW mart.pledge AS
SELECT
    m.pledge_id,
    m.owner_region_code AS region_code,
    r.region_name,
    m.promised_to,
    m.wording,
    m.pledged_on,
    m.due_on,
    m.measure_ids,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.pledge AS m
INNER JOIN core.dim_region AS r ON m.owner_region_code = r.region_code
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
