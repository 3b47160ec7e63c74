"""What past projections and verdicts came to, on synthetic series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.statistics import backtest, standing, trend
from klimatpuls.statistics.series import SeriesMatrix
from klimatpuls.statistics.targets import Interim, Target

YEARS = (1990, 2000, 2005, *range(2010, 2025))


def matrix_of(
    values: dict[str, list[float]], years: tuple[int, ...] = YEARS, *, linked: tuple[int, ...] = ()
) -> SeriesMatrix:
    codes = tuple(sorted(values))
    cells = np.array([values[code] for code in codes], dtype=np.float64)
    published = np.tile([year not in linked for year in years], (len(codes), 1))
    return SeriesMatrix(
        region_codes=codes,
        years=np.array(years),
        values=cells,
        published=published,
        defect=np.zeros(cells.shape, dtype=np.bool_),
        status=np.where(published, "observed", "linked").astype(object),
        flags=((),) * len(codes),
        release_ids=("r",) * len(codes),
    )


def falling(rate: float, start: float = 1_000.0, years: tuple[int, ...] = YEARS) -> list[float]:
    return [start * (1 - rate) ** (year - years[0]) for year in years]


def way(frame, origin: int, outcome: int):
    chosen = frame[(frame["origin_year"] == origin) & (frame["outcome_year"] == outcome)]
    return chosen.set_index("variant_code")


def test_a_constant_value_that_falls_at_the_end_is_a_worked_example() -> None:
    values = [100.0 if year < 2018 else 80.0 for year in YEARS]
    found = way(backtest.build_backtest(matrix_of({"0360": values})), 2013, 2018)
    assert found["median_error_pct"].tolist() == pytest.approx([25.0] * len(found))
    assert found["median_deviation_pct"].tolist() == pytest.approx([25.0] * len(found))
    assert set(found.index) == {
        *(variant.code for variant in trend.VARIANTS),
        backtest.CENTRAL,
        backtest.MEDIAN_OF_VARIANTS,
        backtest.CARRIED_FORWARD,
    }


def test_an_outcome_of_next_to_nothing_has_no_error() -> None:
    values = [100.0 if year < 2018 else 5e-324 for year in YEARS]
    alone = backtest.build_backtest(matrix_of({"0360": values}))
    assert alone[alone["outcome_year"] == 2018].empty
    found = way(backtest.build_backtest(matrix_of({"0360": values, "0380": falling(0.05)})), 2013, 2018)
    assert set(found["municipalities_n"]) == {1}
    assert np.isfinite(found[["median_error_pct", "p90_error_pct", "median_deviation_pct"]]).all(axis=None)


def test_a_constant_rate_is_projected_without_error() -> None:
    frame = backtest.build_backtest(matrix_of({"0360": falling(0.05), "0380": falling(0.02)}))
    central = frame[frame["variant_code"] == backtest.CENTRAL]
    assert central["median_error_pct"].max() < 1e-9
    assert set(central["municipalities_n"]) == {2}
    assert (frame.loc[frame["variant_code"] == backtest.CARRIED_FORWARD, "median_error_pct"] > 5).all()


def test_only_the_nine_years_before_an_origin_are_used() -> None:
    early = [9e9 if year < 2004 else value for year, value in zip(YEARS, falling(0.05), strict=True)]
    one, other = (backtest.build_backtest(matrix_of({"0360": values})) for values in (falling(0.05), early))
    np.testing.assert_allclose(one["median_error_pct"], other["median_error_pct"])


def test_an_origin_needs_its_own_value_a_trend_and_an_outcome() -> None:
    gone = (1990, 2000, 2005, 2010, 2015, 2020, 2021, 2022, 2023, 2024)
    assert backtest.build_backtest(matrix_of({"0360": falling(0.05, years=gone)}, gone)).empty
    whole = backtest.build_backtest(matrix_of({"0360": falling(0.05)}))
    pairs = set(zip(whole["origin_year"], whole["outcome_year"], strict=True))
    assert set(backtest.NAMED_ORIGINS) <= pairs
    assert min(origin for origin, _ in pairs) == 2012
    assert max(outcome for _, outcome in pairs) == 2024


def test_the_nation_and_counties_are_left_out() -> None:
    frame = backtest.build_backtest(
        matrix_of({"00": falling(0.5), "03": falling(0.5), "0360": falling(0.05)})
    )
    assert set(frame["municipalities_n"]) == {1}


def test_a_way_better_in_more_than_half_of_the_origins_is_named() -> None:
    rows = [
        (origin, code, error)
        for origin, errors in ((2013, (5.0, 4.0, 6.0)), (2014, (5.0, 4.0, 4.0)), (2015, (5.0, 6.0, 6.0)))
        for code, error in zip((backtest.CENTRAL, "ols_free", "lad_free"), errors, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["origin_year", "variant_code", "median_error_pct"])
    found = backtest.compare_with_central(frame.assign(outcome_year=2020)).set_index("variant_code")
    assert found.loc["ols_free"].tolist() == [3, 2, True]
    assert found.loc["lad_free"].tolist() == [3, 1, False]


HALVED = Target(
    target_id="half",
    target_type="percent_below_base",
    base_year=1990,
    target_year=2030,
    percent_below_base=50.0,
)


def test_a_verdict_is_passed_on_the_path_and_held_against_what_came() -> None:
    # The path of 2024 is 1 000 · (1 − 0.5 · 34/40) = 575 t; the line to 2018 leads to 520 t, 700 t came.
    straight = [1_000.0 - 14.0 * (year - 1990) for year in YEARS]
    came = [700.0 if year == 2024 else value for year, value in zip(YEARS, straight, strict=True)]
    verdicts = backtest.build_verdicts(HALVED, matrix_of({"0360": came}), 6)
    row = verdicts[verdicts["target_year"] == 2024].iloc[0]
    assert (row["origin_year"], row["status"], row["came_true"]) == (2018, standing.ALL_BELOW, False)
    assert verdicts.loc[verdicts["target_year"] == 2023, "came_true"].tolist() == [True]


def test_below_the_level_of_the_outcome_already_is_its_own_status() -> None:
    low = [1_000.0 if year == 1990 else 100.0 for year in YEARS]
    assert set(backtest.build_verdicts(HALVED, matrix_of({"0360": low}), 6)["status"]) == {"below_level"}


def test_the_record_counts_and_pools() -> None:
    matrix = matrix_of({"0360": falling(0.05), "0380": falling(0.001)})
    record = backtest.build_record(HALVED, matrix, 6)
    assert set(record["lead_years"]) == {6}
    assert set(record["outcome_year"]) == set(range(2018, 2025))
    pooled = backtest.pool_record(record).set_index("status")
    assert pooled["verdicts_n"].sum() == record["verdicts_n"].sum() == 2 * record["outcome_year"].nunique()
    assert pooled.loc["none_below", "came_true_pct"] == 0.0


def test_a_fixed_level_is_taken_as_its_percentage_of_the_owners_base() -> None:
    fixed = Target(
        target_id="fixed",
        region_code="0360",
        target_type="fixed_level",
        base_year=1990,
        target_year=2030,
        level_tco2e=500.0,
        interim=(Interim(year=2025, level_tco2e=600.0),),
    )
    matrix = matrix_of({"0360": falling(0.03), "0380": falling(0.01, start=9_000.0)})
    own = backtest.build_verdicts(fixed, matrix, 6)
    assert own.equals(backtest.build_verdicts(HALVED, matrix, 6))


@pytest.mark.parametrize(
    "target",
    [
        Target(
            target_id="b",
            target_type="carbon_budget",
            target_year=2030,
            budget_start_year=2020,
            budget_tco2e=9.0,
        ),
        Target(target_id="f", target_type="fixed_level", target_year=2030, level_tco2e=9.0),
        Target(
            target_id="c",
            target_type="fixed_level_per_capita",
            base_year=1990,
            target_year=2030,
            level_tco2e_per_capita=1.0,
        ),
    ],
)
def test_a_target_without_a_path_has_no_record(target: Target) -> None:
    assert backtest.build_record(target, matrix_of({"0360": falling(0.05)}), 6).empty


def test_too_far_ahead_has_no_record() -> None:
    assert backtest.build_record(HALVED, matrix_of({"0360": falling(0.05)}), 11).empty


@settings(deadline=None, max_examples=25)
@given(
    values=st.lists(st.integers(1, 10**6).map(float), min_size=len(YEARS), max_size=len(YEARS)),
    factor=st.floats(0.01, 100.0),
)
def test_errors_in_percent_know_no_scale(values: list[float], factor: float) -> None:
    one = backtest.build_backtest(matrix_of({"0360": values}))
    other = backtest.build_backtest(matrix_of({"0360": [factor * value for value in values]}))
    rows = one["variant_code"] != "lad_free"  # a tie may fall the other way when all is scaled
    rows &= ~one["variant_code"].isin(["lad_anchored", backtest.MEDIAN_OF_VARIANTS])
    np.testing.assert_allclose(
        one[rows]["median_error_pct"], other[rows]["median_error_pct"], rtol=1e-6, atol=1e-9
    )
    assert (one["p90_error_pct"] >= one["median_error_pct"] - 1e-9).all()
