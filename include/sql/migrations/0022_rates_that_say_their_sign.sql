-- A cut is positive only in columns whose name says so. The marts keep the old names beside the new ones.
ALTER TABLE mart_data.target_progress RENAME COLUMN required_annual_rate TO required_annual_reduction_rate;
ALTER TABLE mart_data.target_progress RENAME COLUMN achieved_annual_rate TO achieved_annual_reduction_rate;
ALTER TABLE mart_data.target_progress RENAME COLUMN required_t_per_year TO required_reduction_t_per_year;
ALTER TABLE mart_data.better_example RENAME COLUMN annual_rate TO annual_reduction_rate;
ALTER TABLE mart_data.better_example RENAME COLUMN earlier_annual_rate TO earlier_annual_reduction_rate;
ALTER TABLE mart_data.criterion RENAME COLUMN implied_annual_cut TO implied_annual_reduction_rate;
ALTER TABLE mart_data.criterion RENAME COLUMN national_annual_cut TO national_annual_reduction_rate;
ALTER TABLE mart_data.measure_coverage RENAME COLUMN counted_tco2e TO counted_reduction_tco2e;
ALTER TABLE mart_data.measure_coverage RENAME COLUMN planned_tco2e TO planned_reduction_tco2e;

-- Their columns have other names now; the views are made anew with all others right after this file.
DROP VIEW IF EXISTS mart.target_progress;
DROP VIEW IF EXISTS mart.better_example;
DROP VIEW IF EXISTS mart.criterion;
DROP VIEW IF EXISTS secretariat.criterion;
DROP VIEW IF EXISTS mart.measure_coverage;
DROP VIEW IF EXISTS mart.measure_effect;
DROP VIEW IF EXISTS mart.target;

-- What a count of method variants is worth, at each publication anew.
CREATE TABLE mart_data.variant_worth (
    publication_id bigint NOT NULL,
    target_id text NOT NULL,
    municipality_count integer NOT NULL,
    variants_n smallint NOT NULL,
    independent_n double precision NOT NULL CHECK (independent_n >= 1),
    unanimous_count integer NOT NULL,
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, target_id)
);

-- Official figures of the nation that no source delivers: outcomes outside emission trading, preliminary years.
CREATE TABLE register.official_figure (
    submission_last_year smallint NOT NULL,
    year smallint NOT NULL CHECK (year <= submission_last_year + 1),
    sector_code text NOT NULL,
    emissions_tco2e double precision NOT NULL CHECK (emissions_tco2e > 0),
    published_on date NOT NULL,
    source text NOT NULL,
    document_url text NOT NULL,
    row_sha256 text NOT NULL DEFAULT '',
    recorded_from timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_to timestamptz CHECK (recorded_to >= recorded_from),
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
CREATE UNIQUE INDEX official_figure_in_force
ON register.official_figure (submission_last_year, year, sector_code) NULLS NOT DISTINCT
WHERE recorded_to IS NULL;
CREATE TRIGGER keep_what_was_recorded BEFORE UPDATE ON register.official_figure
FOR EACH ROW EXECUTE FUNCTION register.keep_what_was_recorded();
