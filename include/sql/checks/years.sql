-- Finds values of impossible years: before the first such statistics, or after the release was published.
SELECT
    f.release_id,
    {region_code} AS region_code,
    {sector_code} AS sector_code,
    f.year,
    f.sheet_row,
    {found} AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM {rows} AS f
INNER JOIN core.dim_release AS r ON f.release_id = r.release_id
WHERE
    f.run_id = :run_id
    AND f.release_id = any(:release_ids)
    AND (f.year < :first_year OR f.year > cast(extract(YEAR FROM r.published_date) AS integer))
