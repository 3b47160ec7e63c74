"""Klimatkollen's indicators: an example calculated by hand, edges, and what must always hold."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.statistics import carbon_law

ISSUE_COLUMNS = [
    "region_code",
    "reference_year",
    "emissions_slope_t_per_year",
    "estimated_reference_year_tco2e",
    "projected_next_year_tco2e",
    "projected_2030_tco2e",
    "projected_2045_tco2e",
    "projected_2050_tco2e",
    "trend_total_tco2e",
    "carbon_law_total_tco2e",
    "meets_carbon_law",
    "net_zero_date",
    "annual_change_pct",
    "annual_change_v1_pct",
    "status_reason",
]


def series_of(values: dict[int, float], region_code: str = "0360", *, published: bool = True) -> pd.DataFrame:
    count = len(values)
    return pd.DataFrame(
        {
            "region_code": region_code,
            "boundary": "published_total",
            "year": list(values),
            "value_tco2e": list(values.values()),
            "status": "observed" if published else "linked",
            "is_published_year": published,
            "flags": pd.Series([()] * count, dtype=object),
            "release_ids": pd.Series([("r1",)] * count, dtype=object),
        }
    )


def one(values: dict[int, float], reference_year: int) -> pd.Series:
    return carbon_law.build_carbon_law(series_of(values), reference_year).iloc[0]


def test_worked_example():
    row = one({2015: 600.0, 2020: 500.0, 2025: 400.0}, 2025)
    assert row["emissions_slope_t_per_year"] == -20.0
    assert row["estimated_reference_year_tco2e"] == 400.0
    assert row["projected_next_year_tco2e"] == 380.0
    assert row["projected_2030_tco2e"] == 300.0
    assert row["projected_2045_tco2e"] == 0.0
    assert row["projected_2050_tco2e"] == 0.0
    assert row["trend_total_tco2e"] == sum(400 - 20 * n for n in range(20))
    assert row["carbon_law_total_tco2e"] == pytest.approx(400 * (1 - 0.8828**26) / 0.1172)
    assert not row["meets_carbon_law"]
    assert row["net_zero_date"] == dt.date(2045, 1, 1)
    assert row["annual_change_pct"] == pytest.approx(100 * ((400 / 600) ** 0.1 - 1))


def test_columns_are_those_of_the_mart_without_the_release():
    found = carbon_law.build_carbon_law(series_of({2015: 6.0, 2024: 4.0}), 2026)
    assert found.columns.tolist() == ISSUE_COLUMNS


def test_a_steep_fall_meets_it():
    # 10 % of the latest value a year is above the threshold of 6.5 %.
    row = one({2015: 190.0, 2020: 140.0, 2024: 100.0}, 2026)
    assert row["emissions_slope_t_per_year"] == -10.0
    assert row["meets_carbon_law"]


def test_years_before_2015_and_linked_years_are_not_used():
    linked = series_of({2017: 5_000.0}, published=False)
    observed = series_of({1990: 9_000.0, 2015: 600.0, 2020: 500.0, 2025: 400.0})
    found = carbon_law.build_carbon_law(pd.concat([observed, linked]), 2025).iloc[0]
    assert found["emissions_slope_t_per_year"] == -20.0


@pytest.mark.parametrize("values", [{2024: 5.0}, {1990: 5.0, 2010: 4.0}])
def test_fewer_than_two_years_give_null_everywhere(values):
    row = one(values, 2026)
    assert row["region_code"] == "0360"
    assert row["reference_year"] == 2026
    assert row.drop(["region_code", "reference_year", "status_reason"]).isna().all()


def test_reference_year_before_the_latest_year_becomes_the_latest_year():
    early, right = (one({2015: 600.0, 2020: 500.0, 2025: 400.0}, year) for year in (2021, 2025))
    assert early["reference_year"] == 2025
    pd.testing.assert_series_equal(early, right)


def test_reference_year_after_2050_is_refused():
    with pytest.raises(ValueError, match="2051 is after 2050"):
        one({2015: 6.0, 2024: 4.0}, 2051)


def test_rising_emissions_never_reach_zero():
    row = one({2015: 100.0, 2020: 110.0, 2024: 120.0}, 2026)
    assert row["net_zero_date"] is None
    assert not row["meets_carbon_law"]


def test_without_2015_the_yearly_change_is_null_and_the_older_formula_still_there():
    row = one({2016: 100.0, 2020: 90.0}, 2026)
    assert np.isnan(row["annual_change_pct"])
    assert row["annual_change_v1_pct"] == pytest.approx(100 * (0.9**0.25 - 1))


class TestNetZeroDate:
    def test_half_a_year_is_half_of_365_days(self):
        assert carbon_law.net_zero_date(2024, 100.0, -40.0) == dt.date(2026, 7, 2)

    def test_a_part_of_a_day_counts_as_none(self):
        # 100.7 days into 2026: day 100 after 1 January.
        assert carbon_law.net_zero_date(2024, 2.0 + 100.7 / 365, -1.0) == dt.date(2026, 4, 11)

    def test_never_when_level_or_unknown(self):
        assert carbon_law.net_zero_date(2024, 100.0, 0.0) is None
        assert carbon_law.net_zero_date(2024, 100.0, float("nan")) is None

    def test_none_beyond_the_calendar(self):
        assert carbon_law.net_zero_date(2024, 100.0, -0.001) is None


class TestAnnualChange:
    def test_constant_rate_from_2015(self):
        found = carbon_law.annual_change(np.array([2015, 2025]), np.array([[100.0, 50.0]]))
        assert found[0] == pytest.approx(0.5**0.1 - 1)

    def test_first_version_weights_by_years(self):
        found = carbon_law.annual_change_v1(np.array([2015, 2016, 2017]), np.array([[100.0, 50.0, 100.0]]))
        assert found[0] == pytest.approx(0.25)

    def test_first_version_needs_points_above_zero(self):
        found = carbon_law.annual_change_v1(np.array([2015, 2016, 2017]), np.array([[100.0, 0.0, 100.0]]))
        assert np.isnan(found[0])


@settings(deadline=None)
@given(
    values=st.lists(st.integers(1, 10**7).map(float), min_size=6, max_size=6),
    factor=st.sampled_from([0.5, 4.0, 1024.0]),
)
def test_the_verdict_does_not_depend_on_the_size_of_the_municipality(values, factor):
    years = [2015, 2020, 2021, 2022, 2023, 2024]
    small = one(dict(zip(years, values, strict=True)), 2026)
    large = one({y: factor * v for y, v in zip(years, values, strict=True)}, 2026)
    assert small["meets_carbon_law"] == large["meets_carbon_law"]
    assert large["trend_total_tco2e"] == pytest.approx(factor * small["trend_total_tco2e"])
    assert small["net_zero_date"] == large["net_zero_date"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({2015: 600.0, 2020: 500.0, 2024: 400.0}, None),
        ({2024: 400.0}, "too_few_points"),
        ({2000: 700.0, 2024: 400.0}, "too_few_points"),
        ({2020: 500.0, 2022: 450.0, 2024: 400.0}, "base_year_missing"),
        ({2015: 0.0, 2020: 500.0, 2024: 400.0}, "base_year_missing"),
        ({2015: 600.0, 2020: 0.0, 2024: 400.0}, "zero_point"),
    ],
)
def test_what_is_missing_has_its_reason(values, reason):
    row = one(values, 2025)
    assert row["status_reason"] == reason
    shown = [
        row[name] for name in ("emissions_slope_t_per_year", "annual_change_pct", "annual_change_v1_pct")
    ]
    assert any(math.isnan(number) for number in shown) is (reason is not None)
