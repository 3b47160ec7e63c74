-- Years a figure can be about: not before the first such statistics, not after the release was published.
SELECT
    f.release_id,
    {region_code} AS region_code,
    cast(NULL AS text) AS sector_code,
    f.year,
    f.sheet_row,
    cast(NULL AS double precision) AS found,
    cast(NULL AS double precision) AS expected,
    cast(NULL AS double precision) AS measured,
    TRUE AS is_finding
FROM {rows} AS f
INNER JOIN core.dim_release AS d ON f.release_id = d.release_id
WHERE
    f.run_id = :run_id
    AND f.release_id = any(:release_ids)
    AND (f.year < :first_year OR f.year > cast(extract(YEAR FROM d.published_date) AS integer))
