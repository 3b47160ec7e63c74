-- Shows how much changed between consecutive releases.
CREATE OR REPLACE VIEW mart.revision_summary AS
SELECT
    d.dataset,
    d.substance,
    p.from_release_id,
    p.to_release_id,
    e.published_date AS from_published_date,
    d.published_date AS to_published_date,
    pr.is_current,
    array(
        SELECT y.year FROM unnest(d.years) AS y (year)
        WHERE y.year <> all(e.years)
        ORDER BY y.year
    ) AS appeared_years,
    array(
        SELECT y.year FROM unnest(e.years) AS y (year)
        WHERE y.year <> all(d.years)
        ORDER BY y.year
    ) AS vanished_years,
    p.cells_compared,
    p.cells_changed,
    cast(100.0 * p.cells_changed / nullif(p.cells_compared, 0) AS double precision) AS cells_changed_pct,
    pr.publication_id
FROM ops.publication_release AS pr
INNER JOIN core.dim_release AS d ON pr.release_id = d.release_id
INNER JOIN core.dim_release AS e ON pr.earlier_release_id = e.release_id
INNER JOIN core.revision_pair AS p
    ON pr.release_id = p.to_release_id AND pr.earlier_release_id = p.from_release_id
WHERE pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp);
