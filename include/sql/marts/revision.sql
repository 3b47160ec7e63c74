-- Shows what changed between consecutive releases: the total and the main sectors.
CREATE OR REPLACE VIEW mart.revision AS
SELECT
    v.region_code,
    r.region_name,
    r.level,
    r.county_code,
    x.boundary,
    v.sector_code,
    s.sector_name_sv,
    s.sector_name_en,
    v.year,
    d.substance,
    v.from_release_id,
    v.to_release_id,
    e.published_date AS from_published_date,
    d.published_date AS to_published_date,
    pr.is_current,
    v.old_emissions AS old_emissions_tco2e,
    v.new_emissions AS new_emissions_tco2e,
    v.new_emissions - v.old_emissions AS difference_tco2e,
    CASE WHEN v.old_emissions > 0 THEN 100.0 * (v.new_emissions - v.old_emissions) / v.old_emissions END
        AS difference_pct,
    v.movement_rank,
    CASE
        WHEN v.old_emissions IS NULL THEN 'appeared'
        WHEN v.new_emissions IS NULL THEN 'vanished'
        ELSE 'revised'
    END AS change,
    q.national_worst AS national_quality,
    q.geographic_worst AS geographic_quality,
    CASE WHEN q.sector_code IS NULL THEN 'total' WHEN q.national_worst IS NULL THEN 'not_read' END
        AS quality_reason,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
INNER JOIN core.dim_substance AS b ON d.substance = b.substance AND b.is_greenhouse_gas
INNER JOIN core.dim_release AS e ON pr.earlier_release_id = e.release_id
INNER JOIN core.revision AS v
    ON pr.release_id = v.to_release_id AND pr.earlier_release_id = v.from_release_id
INNER JOIN unnest(ARRAY['published_total', 'territorial']) AS x (boundary) ON v.boundary IN (x.boundary, 'every')
INNER JOIN core.dim_region AS r ON v.region_code = r.region_code
INNER JOIN core.dim_sector AS s ON v.sector_code = s.sector_code
LEFT JOIN core.dim_sector_quality AS q ON v.sector_code = q.sector_code
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
