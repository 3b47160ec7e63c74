-- The last data year that may be shown, and whether a newer release waits for a person.
SELECT
    max(d.years[cardinality(d.years)]) FILTER (WHERE d.state IN ('validated', 'published')) AS last_year,
    coalesce(bool_or(d.state = 'held'), FALSE) AS held,
    string_agg(d.release_id || ' (' || d.state || ')', ', ' ORDER BY d.release_id) AS detail
FROM core.dim_release AS d
WHERE d.dataset = %(dataset)s AND d.substance = %(substance)s
HAVING count(*) > 0
