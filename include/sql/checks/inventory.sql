-- Compares the nation's territorial total with the national inventory of the same submission year.
-- That is the one with the same last data year; all greenhouse gases only. Another vintage is not compared.
WITH evaluated AS (
    SELECT
        r.release_id,
        r.years[cardinality(r.years)] AS last_year
    FROM core.dim_release AS r
    WHERE r.release_id = any(:release_ids) AND r.substance = 'ghg'
),

inventory AS (
    SELECT DISTINCT ON (j.release_id)
        j.release_id,
        d.release_id AS inventory_release_id,
        d.run_id AS inventory_run_id
    FROM evaluated AS j
    INNER JOIN core.dim_release AS d ON j.last_year = d.years[cardinality(d.years)]
    WHERE d.dataset = 'scb_national_emissions' AND d.state IN ('validated', 'published')
    ORDER BY j.release_id ASC, d.published_date DESC, d.known_from DESC, d.approval_number DESC
),

nation AS (
    SELECT
        f.release_id,
        f.year,
        min(f.sheet_row) AS sheet_row,
        sum(f.emissions) FILTER (WHERE f.sector_code = 'all')
        - coalesce(sum(f.emissions) FILTER (WHERE f.sector_code = 'international_transport'), 0) AS territorial
    FROM core.fct_emission AS f
    INNER JOIN evaluated AS j ON f.release_id = j.release_id
    WHERE
        f.run_id = :run_id
        AND f.region_code = '00'
        AND f.sector_code IN ('all', 'international_transport')
    GROUP BY f.release_id, f.year
)

SELECT
    n.release_id,
    '00' AS region_code,
    cast(NULL AS text) AS sector_code,
    n.year,
    n.sheet_row,
    n.territorial AS found,
    e.emissions_tco2e AS expected,
    100.0 * abs(n.territorial - e.emissions_tco2e) / e.emissions_tco2e AS measured,
    100.0 * abs(n.territorial - e.emissions_tco2e) / e.emissions_tco2e > :advisory_inventory_pct AS is_finding
FROM nation AS n
INNER JOIN inventory AS i ON n.release_id = i.release_id
INNER JOIN core.fct_national_emission AS e
    ON
        i.inventory_run_id = e.run_id
        AND i.inventory_release_id = e.release_id
        AND n.year = e.year
        AND e.substance = 'ghg'
        AND e.sector_code = 'total'
