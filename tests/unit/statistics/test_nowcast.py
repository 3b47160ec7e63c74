"""The nowcast and its backtest on a synthetic country."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain import sectors
from klimatpuls.statistics import nowcast
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable

NATION, TIERP, UPPSALA = "00", "0360", "0380"


def table_of(
    years: tuple[int, ...],
    transport: dict[str, list[float]],
    industry: dict[str, list[float]],
    name: str = "r",
) -> ReleaseTable:
    """A release of two sectors in two municipalities and the nation; the other sectors are zero."""
    codes = tuple(sorted(transport))
    cells = {code: np.zeros((len(codes), len(years))) for code in sectors.main_codes()}
    for sector, values in (("transport", transport), ("industry", industry)):
        cells[sector] = np.array([values[code] for code in codes])
    cells["all"] = sum(cells.values(), np.zeros((len(codes), len(years))))
    return ReleaseTable(name, codes, np.array(years), cells)


def national(figures: dict[str, tuple[float, float]], years: tuple[int, int] = (2024, 2025)) -> pd.DataFrame:
    filled = dict.fromkeys(TERRITORIAL_SECTORS, (1.0, 1.0)) | figures
    return pd.DataFrame(
        [
            (sector, year, value)
            for sector, own in filled.items()
            for year, value in zip(years, own, strict=True)
        ],
        columns=["sector_code", "year", "emissions_tco2e"],
    ).assign(basis="final")


COUNTRY = table_of(
    (2023, 2024),
    {NATION: [1000.0, 1000.0], TIERP: [70.0, 60.0], UPPSALA: [100.0, 90.0]},
    {NATION: [500.0, 500.0], TIERP: [40.0, 40.0], UPPSALA: [10.0, 10.0]},
)


def test_the_nations_change_is_laid_over_the_own_mix() -> None:
    found = nowcast.build_nowcast(
        COUNTRY, national({"transport": (200.0, 180.0), "industry": (100.0, 105.0)})
    )
    row = found.set_index("region_code").loc[TIERP]
    assert row["emissions_tco2e"] == pytest.approx(54.0 + 42.0)
    assert row["change_pct"] == pytest.approx(-4.0)
    assert (row["year"], row["last_year"], row["basis"]) == (2025, 2024, "final")
    assert NATION not in set(found["region_code"])


def test_without_the_nations_next_year_there_is_none() -> None:
    assert nowcast.build_nowcast(COUNTRY, national({}, (2023, 2024))).empty
    short = national({})
    assert nowcast.build_nowcast(COUNTRY, short[short["sector_code"] != "waste"]).empty


@pytest.mark.parametrize("year", [2024, 2025])
def test_it_is_preliminary_where_a_figure_of_the_nation_is(year: int) -> None:
    figures = national({})
    figures.loc[(figures["year"] == year) & (figures["sector_code"] == "waste"), "basis"] = "preliminary"
    found = nowcast.build_nowcast(COUNTRY, figures)
    assert set(found["basis"]) == {"preliminary"}
    older = figures.assign(year=figures["year"] - 2, basis="preliminary")
    everything = pd.concat([national({}), older], ignore_index=True)
    assert set(nowcast.build_nowcast(COUNTRY, everything)["basis"]) == {"final"}, "years it does not use"


def test_a_pair_is_taken_from_the_newest_release_and_gaps_are_no_pairs() -> None:
    years = (2010, 2015, 2016, 2017)
    values = {NATION: [100.0, 90.0, 80.0, 70.0], TIERP: [10.0, 9.0, 8.0, 7.0]}
    old = table_of(
        years[:3], {c: v[:3] for c, v in values.items()}, {c: v[:3] for c, v in values.items()}, "old"
    )
    new = table_of(years, values, values, "new")
    errors = nowcast.build_errors([old, new])
    within = errors[errors["kind"] == nowcast.WITHIN_RELEASE]
    assert sorted(set(zip(within["release_id"], within["first_year"], within["last_year"], strict=True))) == [
        ("new", 2015, 2016),
        ("new", 2016, 2017),
    ]
    vintages = errors[errors["kind"] == nowcast.REAL_VINTAGE]
    assert set(zip(vintages["first_year"], vintages["last_year"], strict=True)) == {(2016, 2017)}


def test_the_errors_of_a_worked_example() -> None:
    # Tierp 60 + 40 → 66 + 38; the nation's transport +5 %, industry −10 %: estimated 63 + 36 = 99 of 104.
    table = table_of(
        (2023, 2024),
        {NATION: [1000.0, 1050.0], TIERP: [60.0, 66.0]},
        {NATION: [500.0, 450.0], TIERP: [40.0, 38.0]},
    )
    errors = nowcast.build_errors([table])
    row = errors[errors["scope"] == nowcast.ALL_SECTORS].iloc[0]
    assert row["nowcast_error_pct"] == pytest.approx(100 * 5 / 104)
    assert row["carried_error_pct"] == pytest.approx(100 * 4 / 104)


def test_an_outcome_of_next_to_nothing_has_no_error() -> None:
    table = table_of(
        (2023, 2024),
        {NATION: [1000.0, 1050.0], TIERP: [60.0, 5e-324], UPPSALA: [50.0, 60.0]},
        {NATION: [500.0, 450.0], TIERP: [40.0, 0.0], UPPSALA: [0.0, 0.0]},
    )
    errors = nowcast.build_errors([table])
    assert set(errors["region_code"]) == {UPPSALA}
    assert np.isfinite(errors[["nowcast_error_pct", "carried_error_pct"]]).all(axis=None)


def test_a_sector_scaled_with_the_nation_is_left_out_of_the_deciding_score() -> None:
    # Industry follows the nation to the point, so only transport is scored where there is a local signal.
    table = table_of(
        (2023, 2024),
        {NATION: [1000.0, 1000.0], TIERP: [60.0, 30.0]},
        {NATION: [500.0, 450.0], TIERP: [40.0, 36.0]},
    )
    errors = nowcast.build_errors([table]).set_index("scope")
    assert errors.loc[nowcast.LOCAL_SIGNAL, "nowcast_error_pct"] == pytest.approx(100.0)
    assert errors.loc[nowcast.ALL_SECTORS, "nowcast_error_pct"] == pytest.approx(100 * 30 / 66)


def scores_of(ours: list[float], carried: list[float], scope: str = nowcast.LOCAL_SIGNAL) -> pd.DataFrame:
    errors = pd.DataFrame(
        {
            "region_code": TIERP,
            "kind": nowcast.WITHIN_RELEASE,
            "scope": scope,
            "release_id": "r",
            "first_year": 2023,
            "last_year": 2024,
            "nowcast_error_pct": ours,
            "carried_error_pct": carried,
        }
    )
    return nowcast.score_errors(errors)


def test_it_is_shown_only_where_median_and_90th_percentile_win() -> None:
    assert nowcast.is_shown(scores_of([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]))
    assert not nowcast.is_shown(scores_of([1.0, 2.0, 30.0], [2.0, 3.0, 4.0])), "a worse tail"
    assert not nowcast.is_shown(scores_of([3.0, 3.0, 3.0], [2.0, 3.0, 9.0])), "no better median"
    assert not nowcast.is_shown(scores_of([1.0], [2.0], nowcast.ALL_SECTORS)), "not the deciding score"
    assert not nowcast.is_shown(nowcast.score_errors(nowcast.build_errors([])))


@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.floats(1.0, 1e6), min_size=2, max_size=8),
    growth=st.floats(0.1, 3.0),
    factor=st.floats(0.01, 100.0),
)
def test_one_growth_for_all_sectors_moves_the_total_by_it(values, growth, factor) -> None:
    own = np.array(values)[:, None]
    rates = np.full(len(values), growth)
    estimated = nowcast.estimate(own, rates).sum()
    assert estimated == pytest.approx(own.sum() * growth)
    assert nowcast.estimate(own * factor, rates).sum() == pytest.approx(estimated * factor)
