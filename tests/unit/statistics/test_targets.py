"""Targets: what the register may say, levels, paths, base years."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.statistics import targets
from klimatpuls.statistics.series import to_matrix
from klimatpuls.statistics.targets import Interim, Target


def series_of(
    values: dict[int, float], region_code: str = "0360", boundary: str = "territorial", release_id: str = "r1"
) -> pd.DataFrame:
    count = len(values)
    return pd.DataFrame(
        {
            "region_code": region_code,
            "boundary": boundary,
            "year": list(values),
            "value_tco2e": list(values.values()),
            "status": "observed",
            "is_published_year": True,
            "flags": pd.Series([()] * count, dtype=object),
            "release_ids": pd.Series([(release_id,)] * count, dtype=object),
        }
    )


def percent(below: float = 63.0, **changes) -> Target:
    settings = {
        "target_id": "t",
        "target_type": "percent_below_base",
        "base_year": 1990,
        "target_year": 2030,
        "percent_below_base": below,
    }
    return Target(**(settings | changes))


def level_of(target: Target, base: float = 100.0, year: int = 2030, population: float | None = None) -> float:
    people = None if population is None else np.array([population])
    return float(targets.levels(target, np.array([base]), year, people)[0])


class TestRegister:
    @pytest.mark.parametrize(
        ("target_type", "missing"),
        [
            ("percent_below_base", "base_year, target_year, percent_below_base"),
            ("fixed_level", "target_year, level_tco2e"),
            ("fixed_level_per_capita", "target_year, level_tco2e_per_capita"),
            ("net_zero", "base_year, target_year"),
            ("constant_rate", "base_year, annual_rate"),
            ("carbon_budget", "target_year, budget_start_year, budget_tco2e"),
        ],
    )
    def test_what_a_type_needs_is_named(self, target_type, missing):
        with pytest.raises(ValueError, match=f"target t: type {target_type} needs {missing}"):
            Target(target_id="t", target_type=target_type)

    def test_unknown_type_is_refused(self):
        with pytest.raises(ValueError, match="climate_positive"):
            Target(target_id="t", target_type="climate_positive")

    def test_percent_outside_its_range_is_refused(self):
        with pytest.raises(ValueError, match="percent_below_base is 130, expected 0 to 100"):
            percent(130)

    def test_target_year_before_base_year_is_refused(self):
        with pytest.raises(ValueError, match="target year 1990 is not after its start 1990"):
            percent(target_year=1990)

    def test_net_zero_is_about_territorial_emissions(self):
        with pytest.raises(ValueError, match="net zero is evaluated on boundary territorial"):
            percent(target_type="net_zero", boundary="effort_sharing_proxy")

    def test_interim_is_either_percent_or_tonnes(self):
        with pytest.raises(ValueError, match="either percent_below_base or level_tco2e"):
            Interim(year=2025)
        with pytest.raises(ValueError, match="either percent_below_base or level_tco2e"):
            Interim(year=2025, percent_below_base=10.0, level_tco2e=5.0)

    def test_a_line_without_owner_is_not_own(self):
        assert not percent().is_own
        assert percent(region_code="0360").is_own

    def test_in_force_between_its_dates_and_only_when_decided(self):
        target = percent(valid_from=dt.date(2018, 1, 1), valid_to=dt.date(2026, 6, 30))
        assert target.in_force(dt.date(2026, 6, 30))
        assert not target.in_force(dt.date(2026, 7, 1))
        assert not target.in_force(dt.date(2017, 12, 31))
        assert not percent(state="proposed").in_force(dt.date(2026, 1, 1))


class TestLevels:
    def test_percent_below_base(self):
        assert level_of(percent(63.0)) == pytest.approx(37.0)

    def test_fixed_level(self):
        assert (
            level_of(Target(target_id="t", target_type="fixed_level", target_year=2030, level_tco2e=5.0))
            == 5.0
        )

    def test_per_capita_needs_a_forecast(self):
        target = Target(
            target_id="t", target_type="fixed_level_per_capita", target_year=2030, level_tco2e_per_capita=1.5
        )
        assert level_of(target, population=1_000.0) == 1_500.0
        assert np.isnan(level_of(target))

    def test_net_zero_with_a_cap_and_without(self):
        capped = percent(target_type="net_zero", residual_percent=15.0)
        assert level_of(capped) == pytest.approx(15.0)
        assert np.isnan(level_of(percent(target_type="net_zero")))

    def test_a_constant_rate_that_has_not_begun_has_no_level(self):
        target = Target(target_id="t", target_type="constant_rate", base_year=2045, annual_rate=1.0)
        assert np.isnan(level_of(target))

    def test_constant_rate(self):
        target = Target(target_id="t", target_type="constant_rate", base_year=2020, annual_rate=0.16)
        assert level_of(target) == pytest.approx(100 * 0.84**10)
        assert target.evaluation_year(dt.date(2026, 5, 8)) == 2030
        assert target.evaluation_year(dt.date(2030, 5, 8)) == 2030

    @given(
        base=st.floats(1, 1e8),
        below=st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted),
    )
    def test_a_stricter_percentage_never_gives_a_higher_level(self, base, below):
        lax, strict = (level_of(percent(value), base) for value in below)
        assert 0 <= strict <= lax <= base


class TestBase:
    def test_the_nation_stands_on_the_proxy_on_both_sides_like_everybody(self):
        proxy = pd.concat(
            [
                series_of({1990: 43.2e6, 2024: 29e6}, "00", "effort_sharing_proxy"),
                series_of({1990: 180e3, 2024: 139e3}, "0360", "effort_sharing_proxy"),
            ]
        )
        line = percent(boundary="effort_sharing_proxy")
        assert targets.base_values(line, to_matrix(proxy)).tolist() == [43.2e6, 180e3]

    def test_only_the_nations_base_of_1990_stands_in_for_an_official_one(self):
        line = percent(boundary="effort_sharing_proxy")
        assert targets.uses_national_proxy(line, "00")
        assert not targets.uses_national_proxy(line, "0360")
        assert not targets.uses_national_proxy(percent(boundary="effort_sharing_proxy", base_year=2005), "00")
        assert not targets.uses_national_proxy(percent(), "00")

    def test_tonnes_fixed_by_the_decision_win(self):
        matrix = to_matrix(series_of({1990: 120.0, 2024: 80.0}))
        assert targets.base_values(percent(base_tco2e=110.0), matrix).tolist() == [110.0]

    def test_a_base_year_no_release_has_is_missing(self):
        matrix = to_matrix(series_of({1995: 120.0, 2024: 80.0}))
        assert np.isnan(targets.base_values(percent(), matrix)).all()


class TestPath:
    matrix = to_matrix(series_of({1990: 100.0, 2015: 90.0, 2024: 80.0}))

    def path(self, target: Target, year: int, level: float = 37.0) -> tuple[int | None, float]:
        start, value = targets.path_values(
            target, self.matrix, np.array([100.0]), np.array([level]), np.array([year])
        )
        return start, float(value[0])

    def test_straight_from_the_base_year(self):
        assert self.path(percent(), 2010) == (1990, pytest.approx(68.5))

    def test_through_interim_targets(self):
        target = percent(
            interim=(Interim(year=2020, percent_below_base=40.0), Interim(year=2025, level_tco2e=50.0))
        )
        assert self.path(target, 2020) == (1990, pytest.approx(60.0))
        assert self.path(target, 2024) == (1990, pytest.approx(52.0))

    def test_an_unconfirmed_start_year_is_not_used(self):
        assert self.path(percent(path_start_year=2015), 2015)[0] == 1990

    def test_a_confirmed_start_year_starts_at_the_own_value(self):
        target = percent(path_start_year=2015, path_start_confirmed=True)
        assert self.path(target, 2015) == (2015, pytest.approx(90.0))
        assert np.isnan(self.path(target, 2010)[1])

    def test_a_start_value_of_the_register(self):
        target = percent(path_start_year=2015, path_start_confirmed=True, path_start_tco2e=70.0)
        assert self.path(target, 2015) == (2015, pytest.approx(70.0))

    def test_after_the_target_year_the_level_stands(self):
        assert self.path(percent(), 2040) == (1990, pytest.approx(37.0))

    def test_constant_rate_follows_its_curve(self):
        target = Target(target_id="t", target_type="constant_rate", base_year=2020, annual_rate=0.5)
        assert self.path(target, 2022) == (2020, pytest.approx(25.0))

    def test_no_path_for_a_budget_or_without_base_year(self):
        budget = Target(
            target_id="t",
            target_type="carbon_budget",
            target_year=2030,
            budget_start_year=2020,
            budget_tco2e=1.0,
        )
        fixed = Target(target_id="t", target_type="fixed_level", target_year=2030, level_tco2e=5.0)
        for target in (budget, fixed):
            start, value = self.path(target, 2024)
            assert start is None
            assert np.isnan(value)

    @given(years=st.tuples(st.integers(1990, 2030), st.integers(1990, 2030)).map(sorted))
    def test_the_path_to_a_lower_level_never_rises(self, years):
        early, late = (self.path(percent(), year)[1] for year in years)
        assert late <= early + 1e-9


class TestLedger:
    def test_tierp(self):
        found = targets.base_year_ledger(
            percent(),
            series_of({1990: 210_185.231}, release_id="2025"),
            series_of({1990: 217_922.683}, release_id="2026a"),
        ).iloc[0]
        assert found["difference_tco2e"] == pytest.approx(7_737.452)
        assert found["difference_pct"] == pytest.approx(3.681, abs=0.001)
        assert (found["decided_release_id"], found["current_release_id"]) == ("2025", "2026a")

    def test_a_target_without_base_year_has_none(self):
        fixed = Target(target_id="t", target_type="fixed_level", target_year=2030, level_tco2e=5.0)
        with pytest.raises(ValueError, match="t has no base year"):
            targets.base_year_ledger(fixed, series_of({1990: 1.0}), series_of({1990: 1.0}))

    def test_release_in_force(self):
        known = {"2021": dt.date(2021, 10, 14), "2025": dt.date(2025, 6, 18)}
        assert targets.find_release_in_force(known, dt.date(2022, 11, 28)) == "2021"
        assert targets.find_release_in_force(known, dt.date(2025, 6, 18)) == "2025"
        assert targets.find_release_in_force(known, dt.date(2020, 1, 1)) is None


def test_a_superseded_target_gives_way_once_its_successor_is_in_force():
    old = Target(
        target_id="old",
        target_type="percent_below_base",
        base_year=1990,
        target_year=2030,
        percent_below_base=50.0,
        superseded_by="new",
    )
    new = replace(old, target_id="new", superseded_by=None, valid_from=dt.date(2026, 1, 1))
    assert [t.target_id for t in targets.select_in_force([old, new], dt.date(2025, 12, 31))] == ["old"]
    assert [t.target_id for t in targets.select_in_force([old, new], dt.date(2026, 1, 1))] == ["new"]
    assert [t.target_id for t in targets.select_in_force([old], dt.date(2026, 1, 1))] == ["old"]
