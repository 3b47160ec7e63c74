"""The result tables of a publication, calculated from a country of three municipalities."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.frames import frames_of
from support.result_cache import calculate

from klimatpuls.contract import schema
from klimatpuls.domain import sectors
from klimatpuls.statistics import crosschecks, network, results, series
from klimatpuls.statistics.results import EarlierRelease, ResultInputs
from klimatpuls.statistics.targets import Target, TargetType

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
        earlier=(EarlierRelease.of("old", facts(years=YEARS[:-1], factor=0.5)),),
        population=population(),
        members=members(
            (TIERP, None, None, True), (UPPSALA, None, None, True), (STOCKHOLM, None, None, False)
        ),
        targets=(LINE, OWN),
    )


def build(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
    return frames_of(results.each_result(inputs))


@pytest.fixture(scope="module")
def built(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
    return build(inputs)


def test_the_same_figures_give_the_same_results_in_whatever_order_their_rows_come(
    inputs: ResultInputs,
) -> None:
    """Without the memory of the test session, which rests on exactly this."""

    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sample(frac=1, random_state=7).reset_index(drop=True)

    again = replace(
        inputs,
        current=(inputs.current[0], shuffled(inputs.current[1])),
        earlier=tuple(EarlierRelease.of(one.release_id, shuffled(one.read())) for one in inputs.earlier),
        population=shuffled(inputs.population),
    )
    first, second = calculate(inputs), calculate(again)
    assert first.keys() == second.keys()
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, second[name], check_exact=True, obj=name)


@pytest.fixture(scope="module")
def network_rows(built: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return by_panel(built["network_summary"])


@pytest.fixture(scope="module")
def regions_now(built: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return built["region_overview"].set_index("region_code")


def by_panel(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["panel", "boundary", "year"]).sort_index()


def summary(inputs: ResultInputs) -> pd.DataFrame:
    return by_panel(build(inputs)["network_summary"])


def overview(inputs: ResultInputs) -> pd.DataFrame:
    return build(inputs)["region_overview"].set_index("region_code")


class TestNetworkSummary:
    def test_has_every_panel_once_a_year(self, network_rows: pd.DataFrame) -> None:
        frame = network_rows
        assert frame.index.is_unique
        assert set(frame.index.droplevel("year")) == {*results.PANELS.values()}
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

    @pytest.mark.parametrize("boundary", [series.TERRITORIAL, series.EFFORT_SHARING_PROXY])
    def test_members_the_rest_and_the_unallocated_make_the_nation(
        self, network_rows: pd.DataFrame, boundary: str
    ) -> None:
        panels = ("members_today", "rest_of_sweden", "unallocated", "nation")
        own, rest, left, nation = (
            network_rows.loc[(panel, boundary), "emissions_tco2e"].to_numpy() for panel in panels
        )
        np.testing.assert_allclose(own + rest + left, nation)

    def test_every_row_says_how_much_of_the_network_it_covers(self, inputs: ResultInputs) -> None:
        unknown = summary(inputs)
        assert unknown["stated_member_count"].isna().all()
        rows = summary(replace(inputs, stated_member_count=52))
        assert set(rows["stated_member_count"]) == {52}
        assert set(rows["confirmed_member_count"]) == {unknown["confirmed_member_count"].iloc[0]}

    def test_the_change_per_inhabitant_names_its_reason_or_whom_it_is_calculated_with(
        self, network_rows: pd.DataFrame
    ) -> None:
        missing = network_rows["per_capita_change_since_1990_pct"].isna()
        assert (missing == network_rows["per_capita_change_reason"].notna()).all()
        row = network_rows.loc[("members_today", series.TERRITORIAL, 2024)]
        assert row["widened_with"] == "{0330}", "Uppsala held Knivsta in 1990"

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
        assert regions_now["own_part_status"].to_dict() == {
            NATION: "nation_itself",
            STOCKHOLM: "measured",
            TIERP: "measured",
            UPPSALA: "measured",
        }
        frame = regions_now.drop(NATION)
        parts = frame["national_part_pct"] + frame["own_part_pct"]
        np.testing.assert_allclose(parts, frame["change_since_previous_year_pct"])

    def test_the_revision_is_measured_against_what_readers_knew(self, regions_now: pd.DataFrame) -> None:
        assert regions_now["revision_of_previous_year_pct"].tolist() == pytest.approx([100.0] * 4)

    def test_without_an_earlier_release_there_is_no_revision(self, inputs: ResultInputs) -> None:
        frame = overview(replace(inputs, earlier=()))
        assert frame["revision_of_previous_year_pct"].isna().all()
        assert set(frame["revision_reason"]) == {results.NOT_PUBLISHED_BEFORE}

    def test_a_region_the_earlier_release_lacks_has_no_revision_and_the_others_have(
        self, inputs: ResultInputs
    ) -> None:
        known = facts(factor=0.5)
        earlier = (EarlierRelease.of("old", known[known["region_code"] != TIERP]),)
        frame = overview(replace(inputs, earlier=earlier))
        assert frame["revision_reason"].dropna().to_dict() == {TIERP: network.NO_EMISSIONS}
        assert frame["revision_of_previous_year_pct"].notna().sum() == 3

    def test_a_year_that_was_not_known_before_has_no_revision(self, inputs: ResultInputs) -> None:
        earlier = (EarlierRelease.of("old", facts(years=YEARS[:-2])),)
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
        assert set(frame["change_since_previous_year_reason"]) == {results.SINGLE_YEAR}
        assert set(frame["change_since_1990_reason"]) == {network.NO_EMISSIONS}
        assert frame.loc[TIERP, "territorial_tco2e"] == pytest.approx(60e3)


class TestPerInhabitant:
    def test_every_region_has_its_level_by_boundary_and_year(self, built: dict[str, pd.DataFrame]) -> None:
        frame = built["per_inhabitant"].set_index(["boundary", "region_code", "year"])
        assert frame.index.is_unique
        assert set(frame.index.get_level_values("boundary")) == set(series.BOUNDARIES)
        overviews = built["region_overview"].set_index("region_code")["territorial_t_per_capita"]
        levels = frame.xs((series.TERRITORIAL, 2024), level=("boundary", "year"))["emissions_t_per_capita"]
        np.testing.assert_allclose(levels.reindex(overviews.index), overviews)
        missing = frame["per_capita_change_since_1990_pct"].isna()
        assert (missing == frame["per_capita_change_reason"].notna()).all()


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
        frame = build(replace(inputs, targets=(LINE, ended)))["target_progress"]
        assert not frame["is_own_target"].any()

    def test_without_targets_the_table_is_empty_but_has_its_columns(
        self, inputs: ResultInputs, built: dict[str, pd.DataFrame]
    ) -> None:
        none = build(replace(inputs, targets=()))["target_progress"]
        some = built["target_progress"]
        assert none.empty
        assert list(none.columns) == list(some.columns)


def test_a_known_defect_is_in_no_trend_and_keeps_its_value(
    inputs: ResultInputs, built: dict[str, pd.DataFrame]
) -> None:
    good = built
    bad = build(replace(inputs, defects=[(TIERP, "all", 2023)]))
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
    by_child = {child: (mother, first) for child, mother, first in network.splits()}
    assert by_child["0330"][0] == "0380"
    assert all(first > 1990 for _, first in by_child.values())


DENSE = (1990, 2005, *range(2010, 2025))


def dense(*, years: tuple[int, ...] = DENSE, factor: float = 1.0) -> pd.DataFrame:
    """Every year from 2010 on, falling 3 % a year to the figures of 2024."""
    return pd.concat(
        [
            facts(years=(2024,), factor=factor, kilo=1_000.0 * 0.97 ** (year - 2024)).assign(year=year)
            for year in years
        ],
        ignore_index=True,
    )


def uneven(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with Stockholm a little above in even years and the others in odd ones: a local signal."""
    municipal = frame[frame["region_code"] != NATION].copy()
    is_above = (municipal["region_code"] == STOCKHOLM) == (municipal["year"] % 2 == 0)
    municipal["emissions_tco2e"] *= np.where(is_above, 1.004, 0.996)
    nation = municipal.groupby(["sector_code", "year"], as_index=False)["emissions_tco2e"].sum()
    return pd.concat([municipal, nation.assign(region_code=NATION)], ignore_index=True)


class TestLookingBack:
    def test_every_change_of_a_standing_is_split_and_adds_up(self, inputs: ResultInputs) -> None:
        old = dense(years=DENSE[:-1], factor=0.9)
        earlier = (EarlierRelease.of("old", old),)
        found = build(replace(inputs, current=("new", dense()), earlier=earlier))
        steps = found["standing_change"].sort_values(["target_id", "region_code", "step_order"])
        assert set(steps["step_order"]) == set(range(6))
        assert set(zip(steps["from_release_id"], steps["to_release_id"], strict=True)) == {("old", "new")}
        for _, own in steps.groupby(["target_id", "region_code"]):
            gaps = own["gap_tco2e"].to_numpy()
            assert own["gap_part_tco2e"].sum() == pytest.approx(gaps[-1] - gaps[0], abs=1e-6)
            changes = own["change_since_base_pct"].to_numpy()
            if not np.isnan(changes).any():
                assert own["change_part_points"].sum() == pytest.approx(changes[-1] - changes[0])
        nation = steps[(steps["region_code"] == NATION) & (steps["target_id"] == "national_line")]
        assert nation["change_since_base_pct"].notna().all(), (
            "its base is a value of the series like any other"
        )

    def test_the_last_step_is_where_the_target_stands(self, built: dict[str, pd.DataFrame]) -> None:
        keys = ["region_code", "target_id"]
        now = built["target_progress"].set_index(keys).sort_index()
        last = built["standing_change"].query("step_order == 5").set_index(keys).sort_index()
        assert last["status"].tolist() == now["status"].tolist()
        np.testing.assert_allclose(last["level_tco2e"], now["level_tco2e"])
        first = built["standing_change"].query("step_order == 0").set_index(keys).sort_index()
        assert now["previous_status"].tolist() == first["status"].tolist()
        assert now["change_cause"].tolist() == first["cause"].tolist()

    def test_of_corrections_without_a_new_year_only_the_first_and_the_last_are_read(
        self, inputs: ResultInputs
    ) -> None:
        read: list[str] = []

        def correction(name: str, factor: float) -> EarlierRelease:
            def read_it() -> pd.DataFrame:
                read.append(name)
                return facts(factor=factor)

            return EarlierRelease(name, YEARS, read_it)

        few = (correction("third", 0.8),)
        many = (correction("first", 0.6), correction("second", 0.7), *few)
        found = calculate(replace(inputs, earlier=many))
        assert set(read) == {"first", "third"}, "the first published the year first, the rest is the last's"
        for name, frame in calculate(replace(inputs, earlier=few)).items():
            if name == "revision_record":
                assert found[name]["median_moved_pct"].iloc[0] == pytest.approx(100 * (1 / 0.6 - 1))
                continue
            pd.testing.assert_frame_equal(found[name], frame, check_exact=True, obj=name)

    def test_a_release_that_has_other_years_than_was_said_is_refused(self, inputs: ResultInputs) -> None:
        wrong = EarlierRelease("old", YEARS, lambda: facts(years=YEARS[1:]))
        with pytest.raises(ValueError, match=r"release old: expected the years .*1990.*, found rows of"):
            build(replace(inputs, earlier=(wrong,)))

    def test_without_an_earlier_release_nothing_changed(self, inputs: ResultInputs) -> None:
        alone = build(replace(inputs, earlier=()))
        assert alone["standing_change"].empty
        assert alone["better_example"].empty
        assert alone["target_progress"]["previous_status"].isna().all()

    def test_the_record_stands_beside_the_status(self, inputs: ResultInputs) -> None:
        found = build(replace(inputs, current=("new", dense())))
        record = found["verdict_record"]
        assert set(record["lead_years"]) == {6}
        progress = found["target_progress"]
        pooled = record.groupby(["target_id", "status"])[["verdicts_n", "came_true_n"]].sum()
        for row in progress.itertuples():
            if (row.target_id, row.status) in pooled.index:
                record_of = pooled.loc[(row.target_id, row.status)]
                assert (row.record_verdicts_n, row.record_came_true_n) == tuple(record_of)
        assert not found["backtest"].empty

    def test_the_base_year_when_it_was_decided(self, inputs: ResultInputs) -> None:
        decided = replace(OWN, decided_on=dt.date(2025, 7, 1))
        known = {"old": dt.date(2025, 6, 18), "new": dt.date(2026, 5, 7)}
        found = build(replace(inputs, targets=(decided, LINE), known_from=known))
        ledger = found["base_year_ledger"].set_index(["target_id", "region_code"])
        row = ledger.loc[("own", TIERP)]
        assert (row["decided_release_id"], row["current_release_id"]) == ("old", "new")
        assert row[["decided_tco2e", "current_tco2e", "difference_pct"]].tolist() == pytest.approx(
            [50e3, 100e3, 100.0]
        )
        assert ledger.loc[("national_line", UPPSALA), "reason"] == "decision_not_dated"
        early = replace(decided, decided_on=dt.date(2020, 1, 1))
        then = build(replace(inputs, targets=(early,), known_from=known))["base_year_ledger"]
        assert then["reason"].tolist() == ["no_release_in_force"]
        assert then["decided_tco2e"].isna().all()

    def test_the_nations_base_is_the_same_in_ledger_and_progress(self, inputs: ResultInputs) -> None:
        ledger = build(inputs)["base_year_ledger"].set_index(["target_id", "region_code"])
        progress = build(inputs)["target_progress"].set_index(["target_id", "region_code"])
        key = ("national_line", NATION)
        assert ledger.loc[key, "current_tco2e"] == pytest.approx(progress.loc[key, "base_tco2e"])
        assert progress.loc[key, "base_status"] == "proxy"
        assert progress.loc[("national_line", TIERP), "base_status"] == "observed"


def test_where_everything_falls_reductions_are_positive_and_changes_negative(inputs: ResultInputs) -> None:
    """A sign means the same in every table: columns of the contract, on figures that fall every year."""
    built = build(replace(inputs, earlier=(EarlierRelease.of("old", facts(years=YEARS[:-1])),)))
    signs: dict[str, set[float]] = {}
    for mart in schema.marts():
        for column in mart.columns if mart.name in built and mart.shows == "results" else ():
            if "reduction" in column.name or re.fullmatch(r"(annual_)?change(_\w+)?_pct", column.name):
                values = built[mart.name][column.stored_as].dropna().astype(float)
                signs[f"{mart.name}.{column.name}"] = set(np.sign(values)) - {0.0}
    found = {name: own for name, own in signs.items() if own}
    assert len(found) > 8
    assert {name: own for name, own in found.items() if own != {1.0 if "reduction" in name else -1.0}} == {}


DEDUCTION_T = 25e6


class TestOfficialFigures:
    """The nation with the inventory's base and the official outcome, or the proxy on both sides."""

    @pytest.fixture
    def official(self, inputs: ResultInputs) -> ResultInputs:
        totals = pd.DataFrame({"year": [1990, 2024], "emissions_tco2e": [DEDUCTION_T + 700e3, 500e3]})
        held = crosschecks.Side(release_id="inv", published_date=dt.date(2025, 12, 16), facts=totals)
        figures = pd.DataFrame(
            [(2024, 2024, "effort_sharing", 490e3), (2024, 2015, "effort_sharing", 560e3)],
            columns=["submission_last_year", "year", "sector_code", "emissions_tco2e"],
        )
        return replace(inputs, inventory=held, official_figures=figures)

    @staticmethod
    def nation(tables: dict[str, pd.DataFrame], table: str) -> pd.DataFrame:
        frame = tables[table]
        line = frame["target_id"] == LINE.target_id
        return frame[line & (frame["region_code"] == NATION)]

    def test_base_and_outcome_are_of_the_same_submission(self, official: ResultInputs) -> None:
        (row,) = self.nation(build(official), "target_progress").to_dict("records")
        assert row["base_status"] == "official"
        assert (row["base_tco2e"], row["last_tco2e"], row["last_year"]) == (700e3, 490e3, 2024)
        assert row["level_tco2e"] == pytest.approx(0.37 * 700e3)
        assert row["annual_reduction_since_2015"] == pytest.approx(1 - (490 / 560) ** (1 / 9))
        assert (row["status"], row["status_reason"]) == ("insufficient_data", "too_few_points")
        assert row["flags"] == "{official}", "it is no proxy"

    def test_only_the_nation_has_them(self, inputs: ResultInputs, official: ResultInputs) -> None:
        before, after = build(inputs), build(official)
        assert before.keys() == after.keys()
        for name in after.keys() - {"cross_check"}:  # which shows the inventory itself
            keys = [key for key in ("target_id", "region_code", "step_order") if key in after[name]]
            ours, theirs = (
                of[~((of["region_code"] == NATION) & (of["target_id"] == LINE.target_id))]
                .sort_values(keys)
                .reset_index(drop=True)
                if {"target_id", "region_code"} <= set(keys)
                else of
                for of in (after[name], before[name])
            )
            pd.testing.assert_frame_equal(ours, theirs, obj=name)

    def test_the_ledger_has_the_official_base_and_no_proxy_beside_it(self, official: ResultInputs) -> None:
        decided = replace(LINE, decided_on=dt.date(2025, 7, 1))
        known = {"old": dt.date(2025, 6, 18), "new": dt.date(2026, 5, 7)}
        found = build(replace(official, targets=(decided, OWN), known_from=known))
        (row,) = self.nation(found, "base_year_ledger").to_dict("records")
        assert (row["current_tco2e"], row["current_release_id"]) == (700e3, "inv")
        assert np.isnan(row["decided_tco2e"])
        assert row["reason"] == "base_year_missing"
        assert self.nation(found, "standing_change").empty, "the release before has no official series"

    def test_without_the_outcome_or_the_base_the_proxy_stands_on_both_sides(
        self, inputs: ResultInputs, official: ResultInputs
    ) -> None:
        assert official.official_figures is not None
        older = official.official_figures.assign(submission_last_year=2023)
        proxy = self.nation(build(inputs), "target_progress")
        assert set(proxy["base_status"]) == {"proxy"}
        change = proxy["last_tco2e"] / proxy["base_tco2e"] - 1
        assert change.tolist() == pytest.approx([(420 - 6) / (640 - 6) - 1])
        for without in (
            replace(official, official_figures=None),
            replace(official, inventory=None),
            replace(official, official_figures=older),
        ):
            pd.testing.assert_frame_equal(self.nation(build(without), "target_progress"), proxy)

    def test_a_line_against_a_year_without_an_official_value_keeps_the_proxy(
        self, official: ResultInputs
    ) -> None:
        proposed = replace(LINE, target_id="proposed", base_year=2020, state="proposed")
        frame = build(replace(official, targets=(LINE, proposed)))["target_progress"]
        (row,) = frame[frame["target_id"] == "proposed"].to_dict("records")
        assert (row["base_tco2e"], row["last_tco2e"]) == pytest.approx((469e3, 414e3))

    def test_a_preliminary_year_makes_the_nowcast_preliminary(self, official: ResultInputs) -> None:
        national = pd.DataFrame(
            [(code, 2024, 100.0) for code in series.TERRITORIAL_SECTORS],
            columns=["sector_code", "year", "emissions_tco2e"],
        )
        ahead = pd.DataFrame(
            [(2024, 2025, code, 90.0) for code in series.TERRITORIAL_SECTORS],
            columns=["submission_last_year", "year", "sector_code", "emissions_tco2e"],
        )
        without = replace(
            official, current=("new", uneven(dense())), official_figures=None, national=national
        )
        found, none = build(replace(without, official_figures=ahead)), build(without)
        deciding = found["nowcast_score"][found["nowcast_score"]["is_deciding"]]
        assert deciding["is_better"].tolist() == [True], "else no estimate may be shown"
        shown = found["nowcast"].set_index("region_code")
        assert (set(shown["basis"]), set(shown["year"])) == ({"preliminary"}, {2025})
        assert shown["emissions_tco2e"].tolist() == pytest.approx((0.9 * shown["last_tco2e"]).tolist())
        assert none["nowcast"].empty, "the inventory has no year ahead"
        for name in found.keys() - {"nowcast"}:
            pd.testing.assert_frame_equal(found[name], none[name], obj=f"{name}: no status depends on it")


class TestWorthOfACount:
    @pytest.mark.parametrize("percent", [45.0, 50.0, 58.0])
    def test_it_is_of_the_counts_of_the_same_publication(self, inputs: ResultInputs, percent: float) -> None:
        found = build(replace(inputs, targets=(replace(LINE, percent_below_base=percent), OWN)))
        (worth,) = found["variant_worth"].to_dict("records")
        progress = found["target_progress"]
        own = progress[(progress["target_id"] == LINE.target_id) & (progress["region_code"] != NATION)]
        assert worth["target_id"] == LINE.target_id, "a line of all municipalities, no target of one"
        assert (worth["municipality_count"], worth["variants_n"]) == (3, 8)
        assert worth["unanimous_count"] == own["variants_met"].isin([0, 8]).sum()
        assert 1.0 <= worth["independent_n"] <= 8.0
        assert worth["release_id"] == "new"

    def test_where_every_verdict_is_the_same_nothing_tells_the_variants_apart(
        self, inputs: ResultInputs
    ) -> None:
        everyone = build(replace(inputs, targets=(replace(LINE, percent_below_base=1.0),)))
        assert everyone["target_progress"]["variants_met"].eq(8).all()
        assert everyone["variant_worth"].empty

    def test_a_line_too_far_ahead_or_a_budget_has_none(self, inputs: ResultInputs) -> None:
        far = replace(LINE, target_year=2045)
        budget = Target(
            target_id="budget",
            boundary=LINE.boundary,
            target_type=TargetType.CARBON_BUDGET,
            budget_start_year=2020,
            target_year=2030,
            budget_tco2e=1e6,
        )
        assert build(replace(inputs, targets=(far, budget)))["variant_worth"].empty


class TestSideways:
    def test_the_parts_of_every_pair_add_up(self, built: dict[str, pd.DataFrame]) -> None:
        frame = built["change_part"]
        frame = frame[frame["region_code"] != NATION]
        change = frame["last_tco2e"] - frame["first_tco2e"]
        parts = frame["national_part_tco2e"] + frame["own_part_tco2e"]
        np.testing.assert_allclose(parts, change, atol=1e-9)
        sums = frame[frame["sector_code"] == "all"]
        assert len(sums) == 3 * 10, "every pair of five years"

    def test_a_nowcast_that_loses_is_not_there(self, inputs: ResultInputs) -> None:
        rows = [(code, year, 100.0) for code in series.TERRITORIAL_SECTORS for year in (2024, 2025)]
        national = pd.DataFrame(rows, columns=["sector_code", "year", "emissions_tco2e"])
        found = build(replace(inputs, national=national))
        scores = found["nowcast_score"]
        deciding = scores[scores["is_deciding"]]
        assert len(deciding) == 1
        assert found["nowcast"].empty != bool(deciding["is_better"].iloc[0])

    def test_peers_are_municipalities_with_their_reason(self, built: dict[str, pd.DataFrame]) -> None:
        frame = built["peer"]
        assert set(frame["region_code"]) == {TIERP, UPPSALA, STOCKHOLM}
        assert set(frame["peer_rank"]) == {1, 2}
        assert frame["reason_sv"].str.len().gt(0).all()
        assert frame["closest_features"].str.match(r"^\{\w+,\w+\}$").all()


def test_a_proposed_line_is_shown_for_the_nation_only(inputs: ResultInputs) -> None:
    proposed = replace(LINE, target_id="proposed", base_year=2015, state="proposed")
    frame = build(replace(inputs, targets=(LINE, proposed)))["target_progress"]
    assert frame[frame["target_state"] == "proposed"]["region_code"].tolist() == [NATION]
    assert set(frame.loc[frame["target_id"] == "national_line", "target_state"]) == {"decided"}


def test_a_target_on_a_list_of_sectors_or_on_own_values_is_calculated(inputs: ResultInputs) -> None:
    heavy = series.Boundary("industry_and_waste", ("industry", "waste"))
    travel = pd.DataFrame(
        {
            "region_code": TIERP,
            "boundary": "own_series:travel",
            "year": [2018, 2020, 2022, 2023, 2024],
            "value": [100.0, 90.0, 80.0, 75.0, 70.0],
            "unit": "tCO2e",
        }
    )
    found = build(
        replace(
            inputs,
            boundaries=(heavy,),
            own_series=travel,
            targets=(
                replace(OWN, target_id="heavy", boundary=heavy.code),
                replace(OWN, target_id="travel", boundary="own_series:travel", base_year=2018),
            ),
        )
    )
    progress = found["target_progress"].set_index("target_id")
    assert progress.loc["heavy", "base_tco2e"] == pytest.approx(60e3)
    assert progress.loc["travel", "level_tco2e"] == pytest.approx(37.0)
    assert set(found["boundary_series"]["boundary"]) == set(series.BOUNDARIES)


@pytest.fixture(scope="module")
def without(inputs: ResultInputs) -> ResultInputs:
    def main(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[~frame["sector_code"].str.contains(".", regex=False)].reset_index(drop=True)

    current, old = main(facts()), EarlierRelease.of("old", main(facts(years=YEARS[:-1])))
    carbon = EarlierRelease.of("carbon", facts(years=YEARS[:-1], factor=0.5))
    return replace(
        inputs,
        current=("new", current),
        earlier=(old,),
        donors=(old, carbon, EarlierRelease.of("new", current)),
        known_from={"old": dt.date(2025, 5, 6), "new": dt.date(2026, 5, 7)},
    )


class TestAviationOfAnotherRelease:
    """A release that does not show domestic aviation takes it from one that does, of carbon dioxide too."""

    def test_its_tonnes_are_taken_out_of_the_proxy(self, without: ResultInputs) -> None:
        built = build(without)
        frame = built["boundary_series"].set_index(["region_code", "boundary", "year"]).sort_index()
        own = frame.loc[(TIERP, series.EFFORT_SHARING_PROXY)]
        taken = 0.5 * AVIATION_T * 1e3
        assert own["emissions_tco2e"].tolist() == pytest.approx(
            [one * 1e3 - taken for one in TRANSPORT_T[TIERP]]
        )
        assert set(own["status"]) == {"estimated"}
        assert set(own["flags"]) == {"{aviation_estimated}"}
        progress = built["target_progress"]
        assert progress["status"].ne("insufficient_data").all(), "such years carry trends and standings"
        assert set(progress["base_status"]) == {"estimated", "observed", "proxy"}

    def test_a_release_is_evaluated_with_what_was_known_then(self, without: ResultInputs) -> None:
        steps = build(without)["standing_change"]
        steps = steps[(steps["target_id"] == LINE.target_id) & (steps["region_code"] == TIERP)]
        by_step = steps.set_index("step_order")
        assert by_step.loc[0, "status"] == "insufficient_data", (
            "no release showed aviation before carbon dioxide did"
        )
        assert by_step.loc[5, "status"] != "insufficient_data"
