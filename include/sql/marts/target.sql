-- Shows targets with the fields of their definition as columns.
CREATE OR REPLACE VIEW mart.target AS
SELECT
    m.target_id,
    m.owner_region_code AS region_code,
    r.region_name,
    m.is_national_line,
    m.name_sv AS title_sv,
    m.name_en AS title_en,
    coalesce(m.definition ->> 'boundary', 'territorial') AS boundary,
    m.definition ->> 'target_type' AS target_type,
    (m.definition ->> 'base_year')::smallint AS base_year,
    (m.definition ->> 'target_year')::smallint AS target_year,
    (m.definition ->> 'base_tco2e')::double precision AS base_tco2e,
    (m.definition ->> 'percent_below_base')::double precision AS base_reduction_percent,
    (m.definition ->> 'level_tco2e')::double precision AS level_tco2e,
    (m.definition ->> 'level_tco2e_per_capita')::double precision AS level_tco2e_per_capita,
    (m.definition ->> 'residual_percent')::double precision AS residual_percent,
    (m.definition ->> 'annual_rate')::double precision AS annual_reduction_rate,
    (m.definition ->> 'budget_start_year')::smallint AS budget_start_year,
    (m.definition ->> 'budget_tco2e')::double precision AS budget_tco2e,
    (m.definition ->> 'path_start_year')::smallint AS path_start_year,
    (m.definition ->> 'path_start_tco2e')::double precision AS path_start_tco2e,
    coalesce((m.definition ->> 'path_start_confirmed')::boolean, FALSE) AS path_start_confirmed,
    coalesce(m.definition -> 'interim', '[]') AS interim,
    coalesce(m.definition ->> 'state', 'decided') AS state,
    m.decided_on,
    m.decision_body AS decided_by,
    m.document_url,
    m.valid_from,
    m.valid_to,
    m.superseded_by,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id,
    (m.definition ->> 'percent_below_base')::double precision AS percent_below_base,
    (m.definition ->> 'annual_rate')::double precision AS annual_rate
FROM register.target AS m
LEFT JOIN core.dim_region AS r ON m.owner_region_code = r.region_code
WHERE
    m.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        m.recorded_to IS NULL
        OR m.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
