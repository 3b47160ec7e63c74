-- Lists each data year with the first day on which a shown release of all greenhouse gases had it.
SELECT
    y.year,
    min(d.known_from) AS known_from
FROM core.dim_release AS d
CROSS JOIN LATERAL unnest(d.years) AS y (year)
WHERE
    d.release_id IN (SELECT r.release_id FROM unnest(%(release_ids)s::text[]) AS r (release_id))
    AND d.dataset = 'smhi_emissions'
    AND d.substance = 'ghg'
GROUP BY y.year
