-- Shows verified emissions by plant and year, with the municipality and sector that the register gives the plant.
CREATE OR REPLACE VIEW mart.ets_plant AS
SELECT
    d.installation_id,
    d.year,
    d.installation_name,
    p.region_code,
    r.region_name,
    p.sector_code,
    d.verified_tco2e,
    d.allocation_t,
    d.trading_status,
    d.permit_id,
    d.activity_code,
    p.source AS assigned_by,
    d.release_id,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM mart_data.ets_plant AS d
LEFT JOIN register.ets_plant AS p
    ON
        d.installation_id = p.installation_id
        AND coalesce(extract(YEAR FROM p.valid_from), d.year) <= d.year
        AND coalesce(extract(YEAR FROM p.valid_to), d.year) >= d.year
        AND p.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
        AND (
            p.recorded_to IS NULL
            OR p.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
        )
LEFT JOIN core.dim_region AS r ON p.region_code = r.region_code
WHERE d.facts_id = (
    SELECT pf.facts_id
    FROM ops.publication_facts AS pf
    WHERE
        pf.fact = 'ets_plant'
        AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
);
