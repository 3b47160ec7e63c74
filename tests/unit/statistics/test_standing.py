"""Standings: a series made for each status, the order of the rules, rates, what must always hold."""

from __future__ import annotations

import datetime as dt
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.statistics import standing, trend
from klimatpuls.statistics.targets import Target

AS_OF = dt.date(2026, 5, 8)
YEARS = (2015, 2020, 2021, 2022, 2023, 2024)
GONE = (2016, 2017, 2018, 2019)

ISSUE_COLUMNS = [
    "region_code",
    "target_id",
    "is_own_target",
    "boundary",
    "base_year",
    "target_year",
    "level_tco2e",
    "last_year",
    "last_tco2e",
    "status",
    "variants_met",
    "variants_n",
    "central_tco2e",
    "spread_low_tco2e",
    "spread_high_tco2e",
    "gap_tco2e",
    "required_annual_reduction_rate",
    "achieved_annual_reduction_rate",
    "path_position_tco2e",
    "hangs_on",
    "flags",
    "release_id",
    "method_version",
    "as_of_date",
]


def series_of(
    values: dict[int, float],
    region_code: str = "0360",
    *,
    linked: tuple[int, ...] = (),
    flags: tuple[str, ...] = (),
    defects: tuple[int, ...] = (),
    boundary: str = "territorial",
) -> pd.DataFrame:
    own = [tuple(sorted((*flags, "known_defect"))) if year in defects else flags for year in values]
    return pd.DataFrame(
        {
            "region_code": region_code,
            "boundary": boundary,
            "year": list(values),
            "value_tco2e": list(values.values()),
            "status": ["linked" if year in linked else "observed" for year in values],
            "is_published_year": [year not in linked for year in values],
            "flags": pd.Series(own, dtype=object),
            "release_ids": pd.Series([("r1",)] * len(values), dtype=object),
        }
    )


def falling(start: float = 100.0, rate: float = 0.05, base: float | None = None) -> dict[int, float]:
    """A constant yearly rate from 2015, all eight variants close to one another."""
    values = {year: start * (1 - rate) ** (year - 2015) for year in YEARS}
    return values if base is None else {1990: base, **values}


def fixed(level: float, target_year: int = 2030, **changes) -> Target:
    settings = {
        "target_id": "t",
        "target_type": "fixed_level",
        "target_year": target_year,
        "level_tco2e": level,
        "region_code": "0360",
    }
    return Target(**(settings | changes))


def evaluate(target: Target, series: pd.DataFrame | None, as_of: dt.date = AS_OF, **kwargs) -> pd.DataFrame:
    by_boundary = {} if series is None else {target.boundary: series}
    return standing.evaluate_all([target], by_boundary, as_of=as_of, **kwargs)


def one(target: Target, series: pd.DataFrame | None, as_of: dt.date = AS_OF, **kwargs) -> pd.Series:
    frame = evaluate(target, series, as_of=as_of, **kwargs)
    assert len(frame) == 1
    return frame.iloc[0]


def test_columns_are_those_of_the_mart_and_then_some():
    frame = evaluate(fixed(50.0), series_of(falling()))
    assert list(standing.MART_COLUMNS) == ISSUE_COLUMNS
    assert frame.columns.tolist()[: len(ISSUE_COLUMNS)] == ISSUE_COLUMNS
    row = frame.iloc[0]
    assert (row["method_version"], row["as_of_date"], row["release_id"]) == (METHOD_VERSION, AS_OF, "r1")


NOISY = dict(zip(YEARS, (100.0, 80.0, 83.0, 70.0, 60.0, 66.0), strict=True))


class TestCountedStatuses:
    @pytest.mark.parametrize(
        ("met", "status"),
        [
            (8, "all_below"),
            (7, "most_below"),
            (5, "most_below"),
            (4, "split"),
            (3, "few_below"),
            (1, "few_below"),
            (0, "none_below"),
        ],
    )
    def test_by_number_of_ways(self, met, status):
        projected = np.sort(
            trend.project(np.array(YEARS), np.array([list(NOISY.values())]), np.array([2030]))[0, 0]
        )
        edges = [projected[0] - 2.0, *projected, 65.9]
        assert (np.diff(edges) > 0).all(), "the example must have eight different projections"
        row = one(fixed((edges[met] + edges[met + 1]) / 2), series_of(NOISY))
        assert (row["status"], row["variants_met"], row["variants_n"]) == (status, met, 8)
        assert row["spread_low_tco2e"] == pytest.approx(projected[0])
        assert row["spread_high_tco2e"] == pytest.approx(projected[-1])

    def test_six_ways_where_a_point_is_zero(self):
        row = one(fixed(0.5), series_of(NOISY | {2021: 0.0}))
        assert row["variants_n"] == 6

    def test_exactly_at_the_level_counts_as_met(self):
        values = {year: 100.0 - 5.0 * (year - 2015) for year in YEARS}
        row = one(fixed(25.0), series_of(values))
        assert row["status"] == "most_below"
        assert row["variants_met"] == 6  # the six linear ways; the two constant rates bend above the line


class TestGap:
    def test_projected_and_observed(self):
        row = one(fixed(20.0, base_year=1990), series_of({1990: 200.0} | NOISY))
        assert row["gap_tco2e"] == pytest.approx(row["central_tco2e"] - 20.0)
        assert row["gap_pct_of_base"] == pytest.approx(row["gap_tco2e"] / 2)
        assert row["observed_gap_tco2e"] == 46.0


class TestOrderOfTheRules:
    def test_met_and_missed_on_the_observed_value_of_the_target_year(self):
        for level, status in ((70.0, "met"), (69.0, "missed")):
            row = one(fixed(level, 2022), series_of(NOISY))
            assert row["status"] == status
            assert row["gap_tco2e"] == row["observed_gap_tco2e"] == 70.0 - level
            assert np.isnan(row["required_annual_reduction_rate"])

    def test_a_target_year_that_vanished_is_evaluated_on_the_linked_value(self):
        row = one(fixed(91.0, 2018), series_of(NOISY | {2018: 90.0}, linked=(2018,)))
        assert row["status"] == "met"

    def test_a_target_year_no_release_has_is_not_computable(self):
        row = one(fixed(91.0, 2018), series_of(NOISY))
        assert (row["status"], row["reason"]) == ("not_computable", "target_year_missing")

    def test_passed_without_figures_waits_for_its_month(self):
        row = one(fixed(50.0, 2025), series_of(NOISY))
        assert (row["status"], row["expected_month"]) == ("awaiting_data", "2027-05")

    def test_the_current_year_is_still_ahead(self):
        assert one(fixed(5.0, 2026), series_of(NOISY))["status"] == "none_below"

    def test_below_the_level_now_is_not_reached(self):
        row = one(fixed(66.0), series_of(NOISY))
        assert (row["status"], row["required_annual_reduction_rate"], row["variants_n"]) == (
            "below_level",
            0.0,
            8,
        )

    def test_five_years_that_span_four_are_insufficient_even_below_the_level_and_far_ahead(self):
        values = {1990: 200.0, 2015: 5.0, 2016: 5.0, 2017: 5.0, 2018: 5.0, 2019: 5.0}
        for target in (fixed(50.0), fixed(1.0), fixed(1.0, 2045)):
            row = one(target, series_of(values), dt.date(2021, 10, 20))
            assert (row["status"], row["reason"]) == ("insufficient_data", "span_too_short")
            assert pd.isna(row["variants_n"])
            assert np.isnan(row["central_tco2e"])

    def test_ten_years_ahead_is_counted_and_eleven_is_too_far(self):
        assert one(fixed(1.0, 2034), series_of(NOISY))["status"] == "none_below"
        row = one(fixed(10.0, 2035, base_year=1990), series_of({1990: 100.0} | NOISY))
        assert row["status"] == "too_far"
        shown = row[
            ["required_annual_reduction_rate", "achieved_annual_reduction_rate", "path_position_tco2e"]
        ]
        assert shown.notna().all()
        hidden = row[["variants_met", "variants_n", "central_tco2e", "gap_tco2e", "spread_low_tco2e"]]
        assert hidden.isna().all()

    def test_linked_years_carry_no_trend(self):
        linked = NOISY | {2016: 1.0, 2017: 1.0, 2018: 1.0, 2019: 1.0}
        with_linked = one(fixed(50.0), series_of(dict(sorted(linked.items())), linked=GONE))
        assert with_linked["central_tco2e"] == one(fixed(50.0), series_of(NOISY))["central_tco2e"]

    def test_known_defects_carry_no_trend_and_are_not_the_latest_value(self):
        row = one(fixed(50.0), series_of(NOISY, defects=(2024,)))
        assert (row["last_year"], row["last_tco2e"]) == (2023, 60.0)
        assert "known_defect" in row["flags"]


class TestWithoutALevel:
    def percent(self, **changes) -> Target:
        settings = {"target_type": "percent_below_base", "base_year": 1990, "percent_below_base": 50.0}
        return fixed(0.0, level_tco2e=None, **(settings | changes))

    def test_no_base_year_in_any_release(self):
        row = one(self.percent(), series_of(NOISY))
        assert (row["status"], row["reason"]) == ("not_computable", "base_year_missing")

    def test_net_zero_without_a_stated_cap_has_the_latest_value_as_gap(self):
        target = self.percent(target_type="net_zero", percent_below_base=None)
        row = one(target, series_of({1990: 200.0} | NOISY))
        assert (row["status"], row["reason"]) == ("not_computable", "no_stated_cap")
        assert row["gap_tco2e"] == row["observed_gap_tco2e"] == 66.0

    def test_per_capita_with_and_without_forecast(self):
        target = self.percent(target_type="fixed_level_per_capita", level_tco2e_per_capita=0.5)
        assert one(target, series_of(NOISY))["reason"] == "no_population_forecast"
        assert one(target, series_of(NOISY))["status"] == "insufficient_data"
        row = one(target, series_of(NOISY), population_forecast={("0360", 2030): 20.0})
        assert row["level_tco2e"] == 10.0
        assert row["status"] == "none_below"

    def test_a_boundary_nobody_has(self):
        row = one(self.percent(boundary="own_series:consumption"), None)
        assert (row["status"], row["reason"]) == ("not_computable", "boundary_missing")
        assert (row["hangs_on"], row["flags"]) == ((), ())

    def test_an_owner_without_a_row(self):
        row = one(self.percent(region_code="0380"), series_of(NOISY))
        assert (row["status"], row["reason"]) == ("not_computable", "region_missing")

    def test_a_comparison_line_without_series_has_no_rows(self):
        assert evaluate(self.percent(region_code=None), None).empty


class TestAviation:
    def test_no_standing_where_aviation_is_not_known(self):
        unknown = series_of(NOISY, flags=("aviation_included",))
        row = one(fixed(50.0), unknown)
        assert (row["status"], row["reason"]) == ("insufficient_data", "aviation_unknown")
        assert one(fixed(50.0), unknown, allow_aviation=True)["status"] == "all_below"

    def test_estimated_aviation_is_flagged_and_counted(self):
        row = one(fixed(50.0), series_of(NOISY, flags=("aviation_estimated",)))
        assert row["flags"] == ("aviation_estimated",)
        assert row["variants_n"] == 8


def required_rate(last: float, level: float, years: float) -> float:
    return float(
        standing.required_annual_reduction_rates(np.array([last]), np.array([level]), np.array([years]))[0]
    )


def achieved_rate(years: list[int], values: list[float]) -> float:
    points = (np.array(years), np.array([values]))
    return float(standing.reduction_since(*points, standing.achieved_from_year(*points))[0])


class TestRates:
    @pytest.mark.parametrize(
        ("last", "level", "years", "rate"),
        [(139_205.0, 69_434.5, 6.0, 0.1095), (100.0, 50.0, 10.0, 0.0670), (50.0, 50.0, 5.0, 0.0)],
        ids=["Tierp must cut 10.9 percent a year", "half in ten years", "at the level already"],
    )
    def test_the_required_rate(self, last, level, years, rate):
        assert required_rate(last, level, years) == pytest.approx(rate, abs=5e-5 if rate else 0.0)

    @pytest.mark.parametrize("level", [0.0, 0.99])
    def test_a_level_near_zero_has_no_rate_but_tonnes_a_year(self, level):
        assert np.isnan(required_rate(100.0, level, 6.0))
        row = one(fixed(level), series_of({**NOISY, 2024: 100.0}))
        assert np.isnan(row["required_annual_reduction_rate"])
        assert row["required_reduction_t_per_year"] == pytest.approx((100.0 - level) / 6)

    @given(last=st.floats(1, 1e8), share=st.floats(0.01, 0.999), years=st.integers(1, 30))
    def test_following_the_required_rate_lands_on_the_level(self, last, share, years):
        rate = required_rate(last, share * last, float(years))
        assert last * (1 - rate) ** years == pytest.approx(share * last)

    def test_achieved_since_the_earliest_year_three_to_five_back(self):
        found = achieved_rate([2018, 2020, 2021, 2023, 2024], [999.0, 100.0, 50.0, 81.0, 81.0])
        assert found == pytest.approx(1 - 0.81**0.25)

    def test_the_year_that_the_achieved_rate_is_taken_from(self):
        years = np.array([2015, 2018, 2020, 2022, 2024])
        values = np.array([[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, np.nan, 1.0, 1.0], [1.0] * 4 + [np.nan]])
        found = standing.achieved_from_year(years, values)
        assert np.isnan(found[1])
        assert found[[0, 2]].tolist() == [2020, 2018]

    def test_the_reduction_since_a_year(self):
        years, values = np.array([2015, 2024]), np.array([[100.0, 90.0], [np.nan, 90.0], [0.0, 90.0]])
        found = standing.reduction_since(years, values, np.full(3, 2015.0))
        assert found[0] == pytest.approx(1 - 0.9 ** (1 / 9))
        assert np.isnan(found[1:]).all()
        assert np.isnan(standing.reduction_since(years, values, np.full(3, 2024.0))).all(), (
            "no time has passed"
        )

    def test_achieved_reaches_back_five_years_and_not_six(self):
        found = achieved_rate([2018, 2019, 2020, 2024], [1.0, 100.0, 77.0, 50.0])
        assert found == pytest.approx(1 - 0.5**0.2)

    def test_achieved_needs_such_a_year(self):
        assert np.isnan(achieved_rate([2018, 2022, 2024], [1.0, 1.0, 1.0]))


class TestHangsOn:
    def test_names_the_years_whose_removal_crosses_the_level(self):
        # Without the low 2020 the rate is steeper; without 2015 it turns upwards.
        series = series_of(NOISY)
        central = one(fixed(1.0), series)["central_tco2e"]
        found = {
            year: one(fixed(1.0), series_of({y: v for y, v in NOISY.items() if y != year}))["central_tco2e"]
            for year in YEARS[:-1]
        }
        level = central + 0.25
        expected = tuple(year for year, other in found.items() if other > level)
        assert expected, "the example must hang on some year"
        assert one(fixed(level), series)["hangs_on"] == expected

    def test_never_names_the_newest_year(self):
        for level in np.linspace(20, 60, 41):
            assert 2024 not in one(fixed(float(level)), series_of(NOISY))["hangs_on"]

    def test_before_is_the_same_computed_without_the_newest_year(self):
        row = one(fixed(45.0), series_of(NOISY))
        without = one(fixed(45.0), series_of({y: v for y, v in NOISY.items() if y != 2024}))
        assert row["before_year"] == 2024
        for name in ("status", "variants_met", "variants_n", "central_tco2e"):
            assert row[f"before_{name}"] == without[name]
        assert row["before_status"] != row["status"]


class TestBudget:
    def target(self, budget: float, **changes) -> Target:
        settings = {"target_type": "carbon_budget", "budget_start_year": 2020, "budget_tco2e": budget}
        return fixed(0.0, level_tco2e=None, **(settings | changes))

    flat = dict.fromkeys(YEARS, 10.0)

    @pytest.mark.parametrize(("budget", "status"), [(110.001, "all_below"), (109.999, "none_below")])
    def test_eleven_years_of_ten_tonnes(self, budget, status):
        row = one(self.target(budget), series_of(self.flat))
        assert row["status"] == status
        assert row["central_tco2e"] == pytest.approx(110.0)
        assert row["gap_tco2e"] == pytest.approx(110.0 - budget)
        assert np.isnan(row["path_position_tco2e"])
        assert "carbon_budget" in row["flags"]

    def test_share_of_budget_against_share_of_time_and_the_year_it_runs_out(self):
        row = one(self.target(85.0), series_of(self.flat))
        assert row["budget_used_share"] == pytest.approx(50.0 / 85.0)
        assert row["budget_time_used_share"] == pytest.approx(5 / 11)
        assert row["budget_runs_out_year"] == 2028

    def test_a_year_that_uses_the_budget_up_exactly_is_within_it(self):
        row = one(self.target(8.0), series_of(dict.fromkeys(YEARS, 1.0)))
        assert row["budget_runs_out_year"] == 2028

    def test_gap_years_are_linear_between_neighbours(self):
        row = one(
            self.target(1e3, budget_start_year=2015), series_of({2015: 20.0, **{y: 10.0 for y in YEARS[1:]}})
        )
        assert row["budget_used_share"] == pytest.approx((20 + 18 + 16 + 14 + 12 + 5 * 10) / 1e3)

    def test_linked_years_are_spent_as_they_are(self):
        values = dict(sorted((self.flat | {2016: 30.0, 2017: 10.0, 2018: 10.0, 2019: 10.0}).items()))
        row = one(self.target(1e3, budget_start_year=2015), series_of(values, linked=GONE))
        assert row["budget_used_share"] == pytest.approx(120.0 / 1e3)

    def test_over_when_its_last_year_is_observed(self):
        assert one(self.target(50.0, target_year=2024), series_of(self.flat))["status"] == "met"
        assert one(self.target(49.9, target_year=2024), series_of(self.flat))["status"] == "missed"

    def test_a_start_before_any_release_is_not_computable(self):
        row = one(self.target(50.0, budget_start_year=2010), series_of(self.flat))
        assert (row["status"], row["reason"]) == ("not_computable", "budget_start_missing")


class TestManyRegions:
    def test_a_line_is_evaluated_for_every_region_as_if_alone(self):
        line = fixed(
            0.0, region_code=None, target_type="percent_below_base", base_year=1990, percent_below_base=60.0
        )
        rows = {
            "0360": {1990: 150.0} | NOISY,
            "0380": {1990: 150.0} | {year: value for year, value in NOISY.items() if year != 2015},
            "0114": {2000: 150.0} | NOISY,
        }
        series = pd.concat([series_of(values, code) for code, values in rows.items()])
        together = standing.evaluate_all([line], {"territorial": series}, as_of=AS_OF, one_plant={"0380"})
        assert together["region_code"].tolist() == ["0114", "0360", "0380"]
        assert together["status"].tolist()[0] == "not_computable"
        assert together["flags"].tolist() == [(), (), ("one_plant",)]
        assert not together["is_own_target"].any()
        for code, values in rows.items():
            alone = evaluate(line, series_of(values, code)).iloc[0]
            row = together[together["region_code"] == code].iloc[0]
            pd.testing.assert_series_equal(
                row.drop(["flags"]), alone.drop(["flags"]), check_names=False, check_dtype=False
            )

    def test_no_targets_give_no_rows_with_all_columns(self):
        frame = standing.evaluate_all([], {}, as_of=AS_OF)
        assert frame.empty
        assert frame.columns.tolist()[: len(ISSUE_COLUMNS)] == ISSUE_COLUMNS

    def test_290_regions_and_8_targets_in_well_under_two_seconds(self):
        random = np.random.default_rng(7)
        codes = [f"{number:04d}" for number in range(290)]
        series = pd.concat(
            [
                series_of(dict(zip((1990, *YEARS), random.uniform(5e4, 2e5, 7).tolist(), strict=True)), code)
                for code in codes
            ]
        )
        lines = [
            fixed(float(level), region_code=None, target_id=str(level))
            for level in range(10_000, 90_000, 10_000)
        ]
        start = time.perf_counter()
        found = standing.evaluate_all(lines, {"territorial": series}, as_of=AS_OF)
        assert time.perf_counter() - start < 2.0
        assert len(found) == 290 * 8


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.integers(1, 10**6).map(float), min_size=6, max_size=6),
    levels=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(sorted),
)
def test_a_lower_level_is_never_met_by_more_ways(values, levels):
    series = series_of(dict(zip(YEARS, values, strict=True)))
    strict, lax = (one(fixed(float(level)), series) for level in levels)
    assert strict["variants_met"] <= lax["variants_met"]
    assert strict["spread_low_tco2e"] <= strict["central_tco2e"] <= strict["spread_high_tco2e"]
    assert strict["status"] in standing.STATUSES


def test_record_of_earlier_verdicts():
    verdicts = pd.DataFrame(
        {
            "status": ["most_below"] * 3 + ["few_below"],
            "target_year": [2024] * 4,
            "came_true": [True, True, False, False],
        }
    )
    record = standing.build_verdict_record(verdicts).set_index("status")
    assert record.loc["most_below", ["verdicts_n", "came_true_n"]].tolist() == [3, 2]
    assert record.loc["most_below", "came_true_pct"] == pytest.approx(66.7, abs=0.05)
    assert record.loc["few_below", "came_true_pct"] == 0.0


def test_a_matrix_is_evaluated_as_its_series_is():
    series = pd.concat(
        [
            series_of(dict(zip((1990, *YEARS), values, strict=True)), f"{number:04d}")
            for number, values in enumerate(
                (
                    [100.0, 90.0, 80.0, 70.0, 60.0, 55.0, 50.0],
                    [100.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0],
                    [100.0, 90.0, 95.0, 0.0, 60.0, 99.0, 98.0],
                )
            )
        ]
    )
    matrix = standing.to_matrix(series)
    for target in (fixed(40.0, region_code=None), fixed(40.0, region_code=None, target_year=2050)):
        base = np.full(3, 100.0)
        whole = evaluate(target, series)
        alone = standing.evaluate_matrix(target, matrix, base, as_of=AS_OF)
        assert list(alone) == list(standing.STATUS_COLUMNS)
        assert alone["status"].tolist() == whole["status"].tolist()
        for name in standing.STATUS_COLUMNS[1:]:
            np.testing.assert_array_equal(
                alone[name].astype(float), whole[name].to_numpy(dtype=float, na_value=np.nan)
            )


@pytest.mark.parametrize(
    ("met", "count", "status"),
    [
        (8, 8, "all_below"),
        (7, 8, "most_below"),
        (4, 8, "split"),
        (3, 6, "split"),
        (1, 6, "few_below"),
        (0, 6, "none_below"),
        (0, 0, "insufficient_data"),
    ],
)
def test_a_count_has_its_name(met, count, status):
    assert standing.name_counts(np.array([met]), np.array([count])).tolist() == [status]
