-- Shows known defects of the sources, with the published release each is about.
CREATE OR REPLACE VIEW mart.known_defect AS
SELECT
    k.defect_id,
    d.release_id,
    k.substance,
    k.region_code,
    r.region_name,
    k.sector_code,
    k.years,
    k.reason_sv,
    k.reason_en,
    k.source,
    k.review_by,
    (SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id
FROM register.known_defect AS k
INNER JOIN core.dim_region AS r ON k.region_code = r.region_code
LEFT JOIN (
    SELECT
        x.release_id,
        x.dataset,
        x.substance,
        x.published_date
    FROM ops.publication_release AS pr
    INNER JOIN core.dim_release AS x ON pr.release_id = x.release_id
    WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
) AS d
    ON k.dataset = d.dataset AND k.substance = d.substance AND k.published_date = d.published_date
WHERE
    k.recorded_from <= coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    AND (
        k.recorded_to IS NULL
        OR k.recorded_to > coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')
    );
