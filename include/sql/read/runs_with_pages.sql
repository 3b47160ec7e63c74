-- Lists source runs whose validation pages are needed: their figures are shown, or wait for a verdict or a person.
SELECT d.run_id
FROM core.dim_release AS d
WHERE d.state IN ('loaded', 'validated', 'held')
UNION
SELECT d.run_id
FROM core.dim_release AS d
INNER JOIN ops.publication_release AS pr ON d.release_id = pr.release_id
WHERE pr.is_current AND pr.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
