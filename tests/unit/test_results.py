"""The result tables of a publication, reckoned from a country of three municipalities."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from klimatpuls import network, results, sectors, series
from klimatpuls.results import ResultInputs
from klimatpuls.targets import Target, TargetType

AS_OF = dt.date(2026, 5, 8)
YEARS = (1990, 2015, 2020, 2023, 2024)
TIERP, UPPSALA, STOCKHOLM, NATION = "0360", "0380", "0180", "00"
TRANSPORT_T = {
    TIERP: (40.0, 30.0, 25.0, 22.0, 20.0),
    UPPSALA: (100.0, 80.0, 70.0, 62.0, 60.0),
    STOCKHOLM: (500.0, 420.0, 380.0, 350.0, 340.0),
}
INDUSTRY_T = {
    TIERP: (60.0, 50.0, 45.0, 42.0, 40.0),
    UPPSALA: (10.0, 10.0, 10.0, 10.0, 10.0),
    STOCKHOLM: (50.0, 45.0, 40.0, 36.0, 35.0),
}
ABROAD_T, AVIATION_T = 7.0, 2.0


def facts(*, years: tuple[int, ...] = YEARS, factor: float = 1.0, kilo: float = 1_000.0) -> pd.DataFrame:
    """Transport and industry as above in kilotonnes; abroad 7 kt and 2 kt of aviation within transport."""
    cells: dict[tuple[str, str, int], float] = {}
    for code in TRANSPORT_T:
        for at, year in enumerate(YEARS):
            own = dict.fromkeys(sectors.main_codes(), 0.0)
            own |= {"transport": TRANSPORT_T[code][at], "industry": INDUSTRY_T[code][at]}
            own["international_transport"] = ABROAD_T
            own["all"] = sum(own.values())
            own["transport.domestic_aviation"] = AVIATION_T
            for sector, value in own.items():
                cells[code, sector, year] = value
                cells[NATION, sector, year] = cells.get((NATION, sector, year), 0.0) + value
    frame = pd.DataFrame([(*key, value * kilo * factor) for key, value in cells.items()])
    frame.columns = pd.Index(["region_code", "sector_code", "year", "emissions_tco2e"])
    return frame[frame["year"].isin(years)].reset_index(drop=True)


def members(*rows: tuple[str, dt.date | None, dt.date | None, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["region_code", "joined_on", "left_on", "confirmed"], dtype=object)


def population() -> pd.DataFrame:
    counts = {TIERP: 20_000, UPPSALA: 200_000, STOCKHOLM: 780_000, NATION: 1_000_000}
    rows = [(code, year, count) for code, count in counts.items() for year in YEARS]
    return pd.DataFrame(rows, columns=["region_code", "year", "population_count"])


LINE = Target(
    target_id="national_line",
    boundary=series.EFFORT_SHARING_PROXY,
    target_type=TargetType.PERCENT_BELOW_BASE,
    target_year=2030,
    base_year=1990,
    percent_below_base=63.0,
)
OWN = replace(LINE, target_id="own", region_code=TIERP, boundary=series.TERRITORIAL)


@pytest.fixture(scope="module")
def inputs() -> ResultInputs:
    return ResultInputs(
        as_of=AS_OF,
        current=("new", facts()),
        earlier=(("old", facts(years=YEARS[:-1], factor=0.5)),),
        population=population(),
        members=members(
            (TIERP, None, None, True), (UPPSALA, None, None, True), (STOCKHOLM, None, None, False)
        ),
        targets=(LINE, OWN),
    )


@pytest.fixture(scope="module")
def built(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
    return results.build_results(inputs)


@pytest.fixture(scope="module")
def network_rows(built: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return by_panel(built["network_summary"])


@pytest.fixture(scope="module")
def regions_now(built: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return built["region_overview"].set_index("region_code")


def by_panel(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["panel", "boundary", "year"]).sort_index()


def summary(inputs: ResultInputs) -> pd.DataFrame:
    return by_panel(results.build_results(inputs)["network_summary"])


def overview(inputs: ResultInputs) -> pd.DataFrame:
    return results.build_results(inputs)["region_overview"].set_index("region_code")


class TestNetworkSummary:
    def test_has_every_panel_once_a_year(self, network_rows: pd.DataFrame) -> None:
        frame = network_rows
        assert frame.index.is_unique
        wanted = {*results.PANELS.values(), ("nation", series.EFFORT_SHARING_PROXY)}
        assert set(frame.index.droplevel("year")) == wanted
        assert set(frame.index.get_level_values("year")) == set(YEARS)

    def test_sums_the_confirmed_members_and_no_other(self, network_rows: pd.DataFrame) -> None:
        row = network_rows.loc[("members_today", series.TERRITORIAL, 2024)]
        assert row["emissions_tco2e"] == pytest.approx(20e3 + 40e3 + 60e3 + 10e3)
        assert row["population_count"] == 220_000
        assert row["emissions_t_per_capita"] == pytest.approx(130 / 220)
        assert row["change_since_1990_pct"] == pytest.approx(100 * (130 / 210 - 1))
        assert row["region_count"] == 2
        assert row["status"] == "observed"

    def test_the_proxy_is_transport_without_aviation_here(self, network_rows: pd.DataFrame) -> None:
        row = network_rows.loc[("members_today", series.EFFORT_SHARING_PROXY, 2024)]
        assert row["emissions_tco2e"] == pytest.approx(20e3 + 60e3 - 2 * AVIATION_T * 1e3)

    def test_without_the_largest_leaves_out_the_largest_emitter(self, network_rows: pd.DataFrame) -> None:
        row = network_rows.loc[("members_without_largest", series.TERRITORIAL, 2024)]
        assert row["emissions_tco2e"] == pytest.approx(60e3)
        assert row["region_count"] == 1

    def test_members_and_the_rest_make_the_nation(self, network_rows: pd.DataFrame) -> None:
        panels = ("members_today", "rest_of_sweden", "nation")
        own, rest, nation = (
            network_rows.loc[(panel, series.TERRITORIAL), "emissions_tco2e"].to_numpy() for panel in panels
        )
        np.testing.assert_allclose(own + rest, nation)

    def test_counts_the_municipalities_behind_nation_and_rest(self, network_rows: pd.DataFrame) -> None:
        counts = network_rows.xs((series.TERRITORIAL, 2024), level=("boundary", "year"))["region_count"]
        assert counts["nation"] == 3
        assert counts["rest_of_sweden"] == 1

    def test_an_unknown_join_date_makes_the_variant_of_the_time_null(
        self, network_rows: pd.DataFrame
    ) -> None:
        rows = network_rows.loc["members_at_the_time"]
        assert rows["emissions_tco2e"].isna().all()
        assert set(rows["status"]) == {"not_computable"}
        assert set(rows["status_reason"]) == {network.JOIN_DATE_UNKNOWN}

    def test_known_dates_let_the_members_of_the_time_grow(self, inputs: ResultInputs) -> None:
        joined = members((TIERP, dt.date(2010, 1, 1), None, True), (UPPSALA, dt.date(2022, 1, 1), None, True))
        rows = summary(replace(inputs, members=joined)).loc["members_at_the_time"]
        assert rows["region_count"].tolist() == [0, 1, 1, 2, 2]

    def test_a_network_of_nobody_is_null_with_its_reason(self, inputs: ResultInputs) -> None:
        frame = summary(replace(inputs, members=members((TIERP, None, None, False))))
        row = frame.loc[("members_today", series.TERRITORIAL, 2024)]
        assert row["region_count"] == 0
        assert row["status_reason"] == network.NO_MEMBERS
        nation = frame.loc[("nation", series.TERRITORIAL, 2024)]
        assert nation["emissions_tco2e"] == pytest.approx(505e3)


class TestRegionOverview:
    def test_tells_where_a_region_is_and_where_it_comes_from(self, regions_now: pd.DataFrame) -> None:
        row = regions_now.loc[TIERP]
        assert (row["last_year"], row["previous_year"], row["release_id"]) == (2024, 2023, "new")
        assert row["published_total_tco2e"] == pytest.approx(67e3)
        assert row["territorial_tco2e"] == pytest.approx(60e3)
        assert row["effort_sharing_proxy_tco2e"] == pytest.approx(18e3)
        assert row["territorial_t_per_capita"] == pytest.approx(3.0)
        assert row["change_since_1990_pct"] == pytest.approx(-40.0)
        assert row["change_since_previous_year_pct"] == pytest.approx(100 * (60 / 64 - 1))

    def test_the_national_and_the_own_part_make_the_change(self, regions_now: pd.DataFrame) -> None:
        frame = regions_now
        parts = frame["national_part_pct"] + frame["own_part_pct"]
        np.testing.assert_allclose(parts, frame["change_since_previous_year_pct"])

    def test_the_revision_is_measured_against_what_readers_knew(self, regions_now: pd.DataFrame) -> None:
        assert regions_now["revision_of_previous_year_pct"].tolist() == pytest.approx([100.0] * 4)

    def test_without_an_earlier_release_there_is_no_revision(self, inputs: ResultInputs) -> None:
        frame = overview(replace(inputs, earlier=()))
        assert frame["revision_of_previous_year_pct"].isna().all()

    def test_a_year_that_was_not_known_before_has_no_revision(self, inputs: ResultInputs) -> None:
        earlier = (("old", facts(years=YEARS[:-2])),)
        assert overview(replace(inputs, earlier=earlier))["revision_of_previous_year_pct"].isna().all()

    @pytest.mark.parametrize(
        ("joined", "left", "confirmed", "is_member"),
        [
            (None, None, True, True),
            (None, None, False, False),
            (None, AS_OF, True, False),
            (None, AS_OF + dt.timedelta(1), True, True),
            (AS_OF, None, True, True),
            (AS_OF + dt.timedelta(1), None, True, False),
        ],
    )
    def test_a_member_is_confirmed_has_joined_and_has_not_left(
        self,
        inputs: ResultInputs,
        joined: dt.date | None,
        left: dt.date | None,
        confirmed: bool,
        is_member: bool,
    ) -> None:
        frame = overview(replace(inputs, members=members((TIERP, joined, left, confirmed))))
        assert frame["is_member"].to_dict() == {
            NATION: False,
            STOCKHOLM: False,
            TIERP: is_member,
            UPPSALA: False,
        }

    def test_one_plant_is_flagged_where_industry_is_most_of_it(self, regions_now: pd.DataFrame) -> None:
        flags = regions_now["flags"]
        assert series.ONE_PLANT in flags[TIERP]
        assert series.ONE_PLANT not in flags[UPPSALA]

    def test_a_single_year_has_no_change(self, inputs: ResultInputs) -> None:
        frame = overview(replace(inputs, current=("new", facts(years=(2024,))), earlier=()))
        assert frame["previous_year"].isna().all()
        assert frame[["national_part_pct", "own_part_pct", "change_since_1990_pct"]].isna().all(axis=None)
        assert frame.loc[TIERP, "territorial_tco2e"] == pytest.approx(60e3)


class TestTargetProgress:
    def test_a_line_is_laid_over_every_region_and_an_own_target_over_its_owner(
        self, built: dict[str, pd.DataFrame]
    ) -> None:
        frame = built["target_progress"]
        own = frame[frame["is_own_target"]]
        assert own[["region_code", "target_id"]].to_numpy().tolist() == [[TIERP, "own"]]
        lines = frame[~frame["is_own_target"]]
        assert sorted(lines["region_code"]) == [NATION, STOCKHOLM, TIERP, UPPSALA]
        assert set(frame["release_id"]) == {"new"}

    def test_its_level_follows_from_the_base_of_the_current_release(
        self, built: dict[str, pd.DataFrame]
    ) -> None:
        frame = built["target_progress"].set_index(["region_code", "target_id"])
        assert frame.loc[(TIERP, "own"), "level_tco2e"] == pytest.approx(0.37 * 100e3)
        assert frame.loc[(TIERP, "own"), "last_tco2e"] == pytest.approx(60e3)

    def test_a_target_that_is_not_in_force_is_left_out(self, inputs: ResultInputs) -> None:
        ended = replace(OWN, valid_to=AS_OF - dt.timedelta(1))
        frame = results.build_results(replace(inputs, targets=(LINE, ended)))["target_progress"]
        assert not frame["is_own_target"].any()

    def test_without_targets_the_table_is_empty_but_has_its_columns(
        self, inputs: ResultInputs, built: dict[str, pd.DataFrame]
    ) -> None:
        none = results.build_results(replace(inputs, targets=()))["target_progress"]
        some = built["target_progress"]
        assert none.empty
        assert list(none.columns) == list(some.columns)


def test_a_known_defect_is_in_no_trend_and_keeps_its_value(
    inputs: ResultInputs, built: dict[str, pd.DataFrame]
) -> None:
    good = built
    bad = results.build_results(replace(inputs, defects=[(TIERP, "all", 2023)]))
    slopes = [
        frame["carbon_law"].set_index("region_code")["emissions_slope_t_per_year"] for frame in (good, bad)
    ]
    moved = slopes[0].ne(slopes[1]) & ~(slopes[0].isna() & slopes[1].isna())
    assert moved[moved].index.tolist() == [TIERP]
    totals = [frame["region_overview"]["territorial_tco2e"].tolist() for frame in (good, bad)]
    assert totals[0] == totals[1]


def test_the_carbon_law_has_one_row_per_region_of_the_release(built: dict[str, pd.DataFrame]) -> None:
    frame = built["carbon_law"]
    assert sorted(frame["region_code"]) == [NATION, STOCKHOLM, TIERP, UPPSALA]
    assert set(frame["release_id"]) == {"new"}
    assert set(frame["reference_year"]) == {AS_OF.year}


def test_splits_name_child_mother_and_year() -> None:
    frame = results.splits().set_index("region_code")
    assert frame.loc["0330", "related_code"] == "0380"
    assert (frame["first_population_year"] > 1990).all()
