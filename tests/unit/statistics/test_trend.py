"""Trends: worked examples, and the exact LAD against a linear-programming solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.statistics import trend

YEARS = np.array([2015, 2020, 2021, 2022, 2023, 2024])

values_of_six = st.lists(st.integers(min_value=0, max_value=10_000_000).map(float), min_size=6, max_size=6)
year_sets = st.lists(st.integers(1990, 2024), min_size=2, max_size=9, unique=True).map(sorted)


def sum_of_residuals(x: np.ndarray, y: np.ndarray, intercept: float, slope: float) -> float:
    return float(np.abs(y - intercept - slope * x).sum())


def least_sum_by_linear_programming(x: np.ndarray, y: np.ndarray) -> float:
    """Minimise sum(u + v) with y = a + b x + u - v, u, v >= 0."""
    from scipy.optimize import linprog

    n = len(x)
    result = linprog(
        c=np.concatenate([[0, 0], np.ones(2 * n)]),
        A_eq=np.column_stack([np.ones(n), x, np.eye(n), -np.eye(n)]),
        b_eq=y,
        bounds=[(None, None)] * 2 + [(0, None)] * (2 * n),
        method="highs",
    )
    assert result.success, result.message
    return float(result.fun)


class TestLad:
    def test_one_outlier_is_ignored(self):
        x, y = np.array([-3.0, -2.0, -1.0, 0.0]), np.array([[9.0, 8.0, 0.0, 6.0]])
        line = trend.fit_lad(x, y)
        assert line.slope[0] == -1.0
        assert line.intercept[0] == 6.0

    @settings(deadline=None, max_examples=150)
    @given(data=st.data(), years=year_sets)
    def test_no_line_is_better_than_ours_by_linear_programming(self, data, years):
        x = np.array(years, dtype=float) - years[-1]
        y = np.array(
            data.draw(st.lists(st.floats(0, 1e6, allow_nan=False), min_size=len(years), max_size=len(years)))
        )
        line = trend.fit_lad(x, y[None, :])
        ours = sum_of_residuals(x, y, line.intercept[0], line.slope[0])
        assert ours == pytest.approx(least_sum_by_linear_programming(x, y), rel=1e-7, abs=1e-5)

    def test_500_random_series_equal_linear_programming(self):
        random = np.random.default_rng(2026)
        for _ in range(500):
            x = np.sort(random.choice(np.arange(-14, 0), size=random.integers(4, 10), replace=False)) + 1.0
            y = random.lognormal(11.8, 0.9, len(x))
            line = trend.fit_lad(x, y[None, :])
            ours = sum_of_residuals(x, y, line.intercept[0], line.slope[0])
            assert ours == pytest.approx(least_sum_by_linear_programming(x, y), rel=1e-9)

    @settings(deadline=None)
    @given(values=values_of_six, shift=st.integers(-50, 50), raised=st.integers(0, 10**6))
    def test_shifting_years_or_values_shifts_the_line_alone(self, values, shift, raised):
        one = trend.fit(YEARS, np.array([values]), "lad")
        later = trend.fit(YEARS + shift, np.array([values]), "lad")
        assert (later.slope[0], later.intercept[0]) == (one.slope[0], one.intercept[0])
        higher = trend.fit(YEARS, np.array([values]) + raised, "lad")
        x = (YEARS - YEARS[-1]).astype(float)
        sums = [
            sum_of_residuals(x, np.array(own), line.intercept[0], line.slope[0])
            for own, line in ((np.array(values), one), (np.array(values) + raised, higher))
        ]
        assert sums[1] == pytest.approx(sums[0], rel=1e-9, abs=1e-6)
        assert higher.slope[0] == pytest.approx(one.slope[0], rel=1e-9, abs=1e-6)

    def test_ties_are_won_by_the_slope_nearest_to_zero(self):
        x, y = np.array([-3.0, -2.0, -1.0, 0.0]), np.array([[0.0, 1.0, 3.0, 2.0]])
        tied = [(1.0, 3.0), (2 / 3, 2.0), (1 / 2, 2.0)]  # (slope, intercept) through pairs 0-1, 0-3, 1-3
        for slope, intercept in tied:
            assert sum_of_residuals(x, y[0], intercept, slope) == pytest.approx(2.0)
        assert least_sum_by_linear_programming(x, y[0]) == pytest.approx(2.0)
        assert trend.fit_lad(x, y).slope[0] == 0.5

    def test_a_tie_of_parallel_lines_goes_to_the_pair_first_in_time(self):
        # y = 0 through the outer points and y = 1 through the inner ones are equally good.
        line = trend.fit_lad(np.array([-3.0, -2.0, -1.0, 0.0]), np.array([[0.0, 1.0, 1.0, 0.0]]))
        assert (line.slope[0], line.intercept[0]) == (0.0, 0.0)

    def test_rounding_does_not_choose_between_parallel_lines(self):
        # Slope -0.1 through the outer and through the inner points, the same but for the last digit.
        line = trend.fit_lad(np.array([-3.0, -2.0, -1.0, 0.0]), np.array([[0.5, 1.4, 1.3, 0.2]]))
        assert (line.slope[0], line.intercept[0]) == (pytest.approx(-0.1), pytest.approx(0.2))

    @given(values=values_of_six, factor=st.sampled_from([0.25, 2.0, 1024.0]))
    def test_scaling_the_values_scales_the_line(self, values, factor):
        one = trend.fit(YEARS, np.array([values]), "lad")
        scaled = trend.fit(YEARS, factor * np.array([values]), "lad")
        assert scaled.slope[0] == pytest.approx(factor * one.slope[0], rel=1e-12, abs=1e-9)
        assert scaled.intercept[0] == pytest.approx(factor * one.intercept[0], rel=1e-12, abs=1e-9)


class TestOtherMethods:
    def test_least_squares_worked_example(self):
        line = trend.fit_ols(np.array([-2.0, -1.0, 0.0]), np.array([[5.0, 3.0, 4.0]]))
        assert line.slope[0] == pytest.approx(-0.5)
        assert line.intercept[0] == pytest.approx(3.5)

    @given(values=values_of_six)
    def test_least_squares_equals_numpy_polyfit(self, values):
        line = trend.fit(YEARS, np.array([values]), "ols")
        slope, intercept = np.polyfit(YEARS - 2024.0, values, 1)
        assert line.slope[0] == pytest.approx(slope, rel=1e-8, abs=1e-5)
        assert line.intercept[0] == pytest.approx(intercept, rel=1e-8, abs=1e-4)

    def test_theil_sen_worked_example(self):
        line = trend.fit_theil_sen(np.array([-2.0, -1.0, 0.0]), np.array([[5.0, 3.0, 4.0]]))
        assert (line.slope[0], line.intercept[0]) == (-0.5, 4.0)

    def test_constant_rate_worked_example(self):
        years, values = np.array([2022, 2023, 2024]), np.array([[100.0, 50.0, 25.0]])
        projected = trend.project(years, values, np.array([2025]))
        assert projected[0, 0, 0] == pytest.approx(12.5)
        assert projected[0, 0, 1] == pytest.approx(12.5)

    def test_least_squares_projection_floors_at_zero(self):
        years, values = np.array([2022, 2023, 2024]), np.array([[100.0, 50.0, 25.0]])
        projected = trend.project(years, values, np.array([2025]))[0, 0]
        codes = [variant.code for variant in trend.VARIANTS]
        assert projected[codes.index("ols_free")] == 0.0
        assert projected[codes.index("ols_anchored")] == 0.0

    def test_a_line_needs_two_points(self):
        with pytest.raises(ValueError, match="at least two points, got 1"):
            trend.fit_ols(np.array([0.0]), np.array([[1.0]]))


class TestFitWithGaps:
    def test_series_with_different_years_are_fitted_on_their_own_years(self):
        values = np.array(
            [
                [60.0, 50.0, 48.0, 46.0, 44.0, 42.0],
                [np.nan, 50.0, 48.0, np.nan, 44.0, np.nan],
                [np.nan, np.nan, np.nan, np.nan, np.nan, 5.0],
            ]
        )
        line = trend.fit(YEARS, values, "lad")
        assert line.slope[:2].tolist() == [-2.0, -2.0]
        assert line.intercept[:2].tolist() == [42.0, 44.0]
        assert np.isnan(line.slope[2])

    @settings(deadline=None)
    @given(
        rows=st.lists(
            st.lists(st.one_of(st.none(), st.integers(1, 10**6)), min_size=6, max_size=6),
            min_size=1,
            max_size=8,
        )
    )
    def test_fitting_together_equals_fitting_one_by_one(self, rows):
        values = np.array(rows, dtype=float)
        together = trend.project(YEARS, values, np.array([2030, 2045]))
        alone = np.concatenate([trend.project(YEARS, row[None, :], np.array([2030, 2045])) for row in values])
        np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-6)

    def test_descending_years_are_refused(self):
        with pytest.raises(ValueError, match="must ascend"):
            trend.fit(np.array([2020, 2015]), np.zeros((1, 2)), "ols")

    def test_values_of_another_width_are_refused(self):
        with pytest.raises(ValueError, match=r"shape \(n_series, 6\)"):
            trend.fit(YEARS, np.zeros((1, 5)), "ols")


class TestProject:
    @given(values=values_of_six, year=st.integers(2025, 2100))
    def test_anchored_variants_pass_through_the_last_value(self, values, year):
        projected = trend.project(YEARS, np.array([values]), np.array([2024, year]))[0]
        for index, variant in enumerate(trend.VARIANTS):
            if variant.anchored and not np.isnan(projected[0, index]):
                assert projected[0, index] == pytest.approx(values[-1])
        assert (projected[~np.isnan(projected)] >= 0).all()

    def test_six_variants_remain_where_a_point_is_zero(self):
        projected = trend.project(YEARS, np.array([[5.0, 4, 3, 0, 2, 1]]), np.array([2030]))[0, 0]
        undefined = [v.method for v, p in zip(trend.VARIANTS, projected, strict=True) if np.isnan(p)]
        assert undefined == ["constant_rate", "constant_rate"]

    def test_the_variants_are_four_methods_free_and_anchored(self):
        assert sorted((v.method, v.anchored) for v in trend.VARIANTS) == sorted(
            (method, anchored)
            for method in ("lad", "ols", "theil_sen", "constant_rate")
            for anchored in (False, True)
        )
        assert trend.VARIANTS[trend.CENTRAL_VARIANT].code == "constant_rate_anchored"


class TestCentral:
    def test_constant_rate_where_it_is_defined(self):
        assert trend.central(np.array([[1, 7.0, 1, 1, 1, 1, 1, 1]])).tolist() == [7.0]

    def test_median_of_the_rest_is_the_mean_of_the_middle_two(self):
        nan = np.nan
        assert trend.central(np.array([[nan, nan, 6.0, 1, 5, 2, 4, 3]])).tolist() == [3.5]

    def test_nothing_where_no_variant_is_defined(self):
        found = trend.central(np.array([[np.nan] * 8, [2.0] * 8]))
        assert np.isnan(found[0])
        assert found[1] == 2.0

    @settings(deadline=None, max_examples=40)
    @given(
        rows=st.lists(
            st.lists(st.just(np.nan) | st.just(0.0) | st.floats(1.0, 1e6), min_size=6, max_size=6), min_size=1
        ),
        year=st.integers(2025, 2040),
    )
    def test_the_central_projection_alone_is_the_one_of_all_variants(self, rows, year):
        values = np.array(rows)
        alone = trend.project_central(YEARS, values, np.array([year, year + 1]))
        whole = trend.central(trend.project(YEARS, values, np.array([year, year + 1])))
        np.testing.assert_allclose(alone, whole, rtol=1e-9)


class TestSelectPoints:
    def test_five_years_that_span_four_are_not_enough(self):
        years = np.arange(2015, 2020)
        assert trend.select_points(years, np.ones((1, 5))).reason.tolist() == ["span_too_short"]

    def test_four_points_that_span_five_years_are(self):
        years = np.array([2015, 2016, 2018, 2020])
        assert trend.select_points(years, np.ones((1, 4))).reason.tolist() == [""]

    def test_three_points_are_too_few_whatever_they_span(self):
        years = np.array([1990, 2015, 2020, 2024])
        assert trend.select_points(years, np.ones((1, 4))).reason.tolist() == ["too_few_points"]

    def test_known_defects_are_left_out(self):
        years = np.array([2015, 2020, 2022, 2024])
        excluded = np.array([[False, True, False, False], [False] * 4])
        points = trend.select_points(years, np.ones((2, 4)), excluded=excluded)
        assert points.reason.tolist() == ["too_few_points", ""]
        assert np.isnan(points.values[0, 1])

    def test_years_before_the_first_trend_year_are_left_out(self):
        years = np.array([1990, 2010, 2015, 2020, 2021, 2022])
        points = trend.select_points(years, np.ones((1, 6)))
        assert np.isnan(points.values[0, :2]).all()
        assert not np.isnan(points.values[0, 2:]).any()

    def test_no_year_at_all(self):
        assert trend.select_points(np.array([], dtype=np.int64), np.empty((2, 0))).reason.tolist() == [
            "too_few_points",
            "too_few_points",
        ]


def test_last_observed_skips_missing_years():
    values = np.array([[1.0, 7.0, np.nan], [np.nan] * 3])
    year, value = trend.last_observed(np.array([2022, 2023, 2024]), values)
    assert year.tolist() == [2023, 0]
    assert value[0] == 7.0
    assert np.isnan(value[1])


class TestParticipationRatio:
    @pytest.mark.parametrize(
        ("ways", "expected"),
        [
            ([[1, 0, 1, 0], [1, 0, 1, 0]], 1.0),
            ([[1, 0, 1, 0], [0, 1, 0, 1]], 1.0),
            ([[1, 1, 0, 0], [1, 0, 1, 0]], 2.0),
            ([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]], 2.0),
            ([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0]], 9 / 5),
        ],
    )
    def test_worked_examples(self, ways, expected):
        assert trend.participation_ratio(np.array(ways, dtype=float).T) == pytest.approx(expected)

    def test_what_is_not_known_is_left_out_and_nothing_is_nan(self):
        some = np.array([[1.0, 1.0], [0.0, 0.0], [np.nan, 1.0]])
        assert trend.participation_ratio(some) == pytest.approx(1.0)
        assert np.isnan(trend.participation_ratio(np.ones((3, 2))))
        assert np.isnan(trend.participation_ratio(np.empty((0, 8))))

    @given(
        st.lists(st.lists(st.booleans(), min_size=8, max_size=8), min_size=2, max_size=40),
    )
    def test_it_lies_between_one_and_the_number_of_ways(self, verdicts):
        found = trend.participation_ratio(np.array(verdicts, dtype=float))
        assert np.isnan(found) or 1 - 1e-9 <= found <= 8 + 1e-9
