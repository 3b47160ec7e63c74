-- Finds publisher's dates that cannot be right.
-- A date is wrong when it is more than one day after the day of the run, before any such statistics were published, or,
-- for figures about whole years, before the newest year was over.
WITH dated AS (
    SELECT
        d.release_id,
        d.published_date,
        s.as_of_date + 1 AS latest,
        greatest(
            cast(:earliest_published AS date),
            CASE WHEN :is_about_past_years = 1 THEN make_date(d.years[cardinality(d.years)], 12, 31) END
        ) AS earliest
    FROM core.dim_release AS d
    INNER JOIN ops.source_run AS s ON d.run_id = s.run_id
    WHERE d.run_id = :run_id AND d.release_id = any(:release_ids)
)

SELECT
    d.release_id,
    cast(NULL AS text) AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(NULL AS integer) AS year,
    cast(NULL AS integer) AS sheet_row,
    cast(d.published_date AS text) AS found,
    CASE
        WHEN d.published_date > d.latest THEN 'senast/at the latest ' || d.latest
        ELSE 'tidigast/at the earliest ' || d.earliest
    END AS expected,
    cast(NULL AS double precision) AS measured,
    d.published_date > d.latest OR d.published_date < d.earliest AS is_finding
FROM dated AS d
