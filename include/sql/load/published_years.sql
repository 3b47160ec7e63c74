-- Data year → first day on which a release of all greenhouse gases that the publication shows had it.
SELECT
    y.year,
    min(d.known_from) AS known_from
FROM core.dim_release AS d
CROSS JOIN LATERAL unnest(d.years) AS y (year)
WHERE d.release_id = ANY(%(release_ids)s) AND d.dataset = 'smhi_emissions' AND d.substance = 'ghg'
GROUP BY y.year
