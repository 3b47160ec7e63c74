-- One row per region and year; where two datasets hold a year, the one with the later release wins.
INSERT INTO mart_data.population (facts_id, region_code, year, population_count, release_id)
SELECT DISTINCT ON (f.region_code, f.year)
    %(facts_id)s,
    f.region_code,
    f.year,
    f.population_count,
    f.release_id
FROM core.fct_population AS f
INNER JOIN core.dim_release AS d ON f.release_id = d.release_id
WHERE f.release_id = ANY(%(release_ids)s)
ORDER BY f.region_code, f.year, d.published_date DESC, d.known_from DESC, d.content_sha256 DESC
