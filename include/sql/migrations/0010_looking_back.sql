-- What looks back and sideways: why a standing changed, how past projections and verdicts came out, the base year
-- when a target was decided, national and own part of every change, the nowcast with its record, who is alike.

-- Beside every status: its base, its path, what it was without the newest year and at the release before, and how
-- often its like came true.
ALTER TABLE mart_data.target_progress
ADD COLUMN target_state text NOT NULL DEFAULT 'decided' CHECK (target_state IN ('decided', 'proposed')),
ADD COLUMN base_tco2e double precision,
ADD COLUMN base_status text,
ADD COLUMN gap_pct_of_base double precision,
ADD COLUMN observed_gap_tco2e double precision,
ADD COLUMN required_t_per_year double precision,
ADD COLUMN path_start_year smallint,
ADD COLUMN path_position_pct_of_base double precision,
ADD COLUMN before_year smallint,
ADD COLUMN before_status text,
ADD COLUMN before_variants_met smallint,
ADD COLUMN before_variants_n smallint,
ADD COLUMN before_central_tco2e double precision,
ADD COLUMN expected_month text,
ADD COLUMN data_lag_months smallint,
ADD COLUMN budget_used_share double precision,
ADD COLUMN budget_time_used_share double precision,
ADD COLUMN budget_runs_out_year smallint,
ADD COLUMN previous_status text,
ADD COLUMN change_cause text,
ADD COLUMN record_verdicts_n integer,
ADD COLUMN record_came_true_n integer,
ADD COLUMN record_came_true_pct double precision;

CREATE TABLE mart_data.standing_change (
    publication_id bigint NOT NULL,
    target_id text NOT NULL,
    region_code text NOT NULL,
    step_order smallint NOT NULL,
    step text NOT NULL,
    status text NOT NULL,
    variants_met smallint,
    variants_n smallint,
    central_tco2e double precision,
    level_tco2e double precision,
    gap_tco2e double precision,
    last_year smallint,
    last_tco2e double precision,
    gap_part_tco2e double precision,
    cause text NOT NULL,
    change_since_base_pct double precision,
    change_part_points double precision,
    from_release_id text NOT NULL,
    to_release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code, target_id, step_order)
);

CREATE TABLE mart_data.verdict_record (
    publication_id bigint NOT NULL,
    target_id text NOT NULL,
    status text NOT NULL,
    outcome_year smallint NOT NULL,
    lead_years smallint NOT NULL,
    verdicts_n integer NOT NULL,
    came_true_n integer NOT NULL,
    came_true_pct double precision NOT NULL,
    PRIMARY KEY (publication_id, target_id, status, outcome_year)
);

CREATE TABLE mart_data.backtest (
    publication_id bigint NOT NULL,
    boundary text NOT NULL,
    origin_year smallint NOT NULL,
    outcome_year smallint NOT NULL,
    variant_code text NOT NULL,
    variant_name_sv text NOT NULL,
    variant_name_en text NOT NULL,
    is_named_origin boolean NOT NULL,
    municipality_count integer NOT NULL,
    median_error_pct double precision NOT NULL,
    p90_error_pct double precision NOT NULL,
    median_deviation_pct double precision NOT NULL,
    PRIMARY KEY (publication_id, boundary, origin_year, outcome_year, variant_code)
);

CREATE TABLE mart_data.base_year_ledger (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    target_id text NOT NULL,
    decided_on date,
    base_year smallint NOT NULL,
    decided_release_id text,
    decided_tco2e double precision,
    current_release_id text,
    current_tco2e double precision,
    difference_tco2e double precision,
    difference_pct double precision,
    reason text,
    PRIMARY KEY (publication_id, region_code, target_id)
);

CREATE TABLE mart_data.change_part (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    sector_code text NOT NULL,
    first_year smallint NOT NULL,
    last_year smallint NOT NULL,
    first_tco2e double precision,
    last_tco2e double precision,
    national_part_tco2e double precision,
    own_part_tco2e double precision,
    change_pct double precision,
    national_part_pct double precision,
    own_part_pct double precision,
    near_nation_pct double precision,
    own_part_status text NOT NULL,
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code, sector_code, first_year, last_year)
);

CREATE TABLE mart_data.nowcast (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    year smallint NOT NULL,
    last_year smallint NOT NULL,
    last_tco2e double precision NOT NULL,
    emissions_tco2e double precision NOT NULL,
    change_pct double precision,
    basis text NOT NULL CHECK (basis IN ('preliminary', 'final')),
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code)
);

CREATE TABLE mart_data.nowcast_score (
    publication_id bigint NOT NULL,
    kind text NOT NULL,
    scope text NOT NULL,
    pairs_n integer NOT NULL,
    errors_n integer NOT NULL,
    nowcast_median_pct double precision NOT NULL,
    nowcast_p90_pct double precision NOT NULL,
    carried_median_pct double precision NOT NULL,
    carried_p90_pct double precision NOT NULL,
    is_better boolean NOT NULL,
    is_deciding boolean NOT NULL,
    PRIMARY KEY (publication_id, kind, scope)
);

CREATE TABLE mart_data.peer (
    publication_id bigint NOT NULL,
    region_code text NOT NULL,
    peer_rank smallint NOT NULL,
    peer_region_code text NOT NULL,
    distance double precision NOT NULL,
    closest_features text[] NOT NULL,
    reason_sv text NOT NULL,
    reason_en text NOT NULL,
    release_id text NOT NULL,
    PRIMARY KEY (publication_id, region_code, peer_rank)
);

CREATE TABLE mart_data.better_example (
    publication_id bigint NOT NULL,
    sector_code text NOT NULL,
    region_code text NOT NULL,
    first_year smallint NOT NULL,
    last_year smallint NOT NULL,
    annual_rate double precision NOT NULL,
    own_part_pct double precision NOT NULL,
    earlier_first_year smallint NOT NULL,
    earlier_last_year smallint NOT NULL,
    earlier_annual_rate double precision NOT NULL,
    release_id text NOT NULL,
    earlier_release_id text NOT NULL,
    PRIMARY KEY (publication_id, sector_code, region_code)
);
