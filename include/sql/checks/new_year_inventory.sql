-- The nation's territorial total of a new year against the national inventory, whichever submission is held that has
-- the year (the newest of them); all greenhouse gases only. Where no inventory is held yet nothing is compared.
WITH new_year AS MATERIALIZED (
    SELECT
        y.release_id,
        y.year,
        y.year_before,
        y.steps
    FROM
        ops.new_years(
            :release_ids,
            cast(:compared_release_ids AS text[]),
            cast(:earlier_release_ids AS text[]),
            :every_year = 1
        ) AS y
),

inventory AS (
    SELECT DISTINCT ON (n.release_id, n.year)
        n.release_id,
        n.year,
        e.emissions_tco2e
    FROM new_year AS n
    INNER JOIN core.dim_release AS j ON n.release_id = j.release_id AND j.substance = 'ghg'
    INNER JOIN core.dim_release AS d ON n.year = any(d.years)
    INNER JOIN core.fct_national_emission AS e
        ON
            d.run_id = e.run_id
            AND d.release_id = e.release_id
            AND n.year = e.year
            AND e.substance = 'ghg'
            AND e.sector_code = 'total'
    WHERE d.dataset = 'scb_national_emissions' AND d.state IN ('validated', 'published')
    ORDER BY n.release_id ASC, n.year ASC, d.published_date DESC, d.known_from DESC, d.approval_number DESC
),

nation AS (
    SELECT
        f.release_id,
        f.year,
        min(f.sheet_row) AS sheet_row,
        sum(f.emissions) FILTER (WHERE f.sector_code = 'all')
        - coalesce(sum(f.emissions) FILTER (WHERE f.sector_code = 'international_transport'), 0) AS territorial
    FROM core.fct_emission AS f
    WHERE
        f.run_id = :run_id
        AND f.release_id = any(:release_ids)
        AND f.region_code = '00'
        AND f.sector_code IN ('all', 'international_transport')
    GROUP BY f.release_id, f.year
)

SELECT
    n.release_id,
    '00' AS region_code,
    cast(NULL AS text) AS sector_code,
    cast(n.year AS integer) AS year,
    n.sheet_row,
    n.territorial AS found,
    i.emissions_tco2e AS expected,
    100.0 * abs(n.territorial - i.emissions_tco2e) / i.emissions_tco2e AS measured,
    100.0 * abs(n.territorial - i.emissions_tco2e) / i.emissions_tco2e > :new_year_inventory_pct AS is_finding
FROM nation AS n
INNER JOIN inventory AS i ON n.release_id = i.release_id AND n.year = i.year
WHERE i.emissions_tco2e > 0
