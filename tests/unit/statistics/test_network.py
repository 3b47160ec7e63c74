"""Per capita, change, national and own part, the network's variants."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.statistics import network
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable

NO_SPLITS: list[tuple[str, str, int]] = []
KNIVSTA = [("0330", "0380", 2002)]


def series_of(values: dict[str, dict[int, float]], *, published: bool = True) -> pd.DataFrame:
    rows = [(code, year, value) for code, own in values.items() for year, value in own.items()]
    count = len(rows)
    frame = pd.DataFrame(rows, columns=["region_code", "year", "value_tco2e"])
    return frame.assign(
        boundary="territorial",
        status="observed" if published else "linked",
        is_published_year=published,
        flags=pd.Series([()] * count, dtype=object),
        release_ids=pd.Series([("r1",)] * count, dtype=object),
    )


def population_of(values: dict[str, dict[int, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        [(code, year, count) for code, own in values.items() for year, count in own.items()],
        columns=["region_code", "year", "population_count"],
    )


def table_of(
    regions: list[str], years: tuple[int, ...] = (2020, 2024), **sectors: list[list[float]]
) -> ReleaseTable:
    """A release of 2020 and 2024; the sectors not given are 0."""
    empty = np.zeros((len(regions), len(years)))
    return ReleaseTable(
        release_id="r1",
        region_codes=tuple(regions),
        years=np.array(years),
        sectors={name: np.array(sectors.get(name, empty), dtype=float) for name in TERRITORIAL_SECTORS},
    )


class TestPerCapita:
    def test_is_a_ratio_of_sums(self):
        found = network.per_capita(
            series_of({"0114": {2024: 100.0}, "0115": {2024: 300.0}}),
            population_of({"0114": {2024: 10}, "0115": {2024: 90}}),
            ["0114", "0115"],
            NO_SPLITS,
        ).iloc[0]
        assert found["tco2e_per_capita"] == 4.0
        assert found["reason"] == ""

    @pytest.mark.parametrize(
        ("regions", "reason"),
        [(["0330"], "borders_changed"), (["0380"], "borders_changed"), (["0330", "0380"], "")],
    )
    def test_before_a_split_child_and_mother_are_null_but_their_sum_is_valid(self, regions, reason):
        series = series_of({"0330": {2000: 40.0, 2005: 40.0}, "0380": {2000: 160.0, 2005: 160.0}})
        population = population_of({"0330": {2000: 0, 2005: 10}, "0380": {2000: 50, 2005: 40}})
        found = network.per_capita(series, population, regions, KNIVSTA).set_index("year")
        assert found.loc[2000, "reason"] == reason
        assert np.isnan(found.loc[2000, "tco2e_per_capita"]) == bool(reason)
        assert found.loc[2005, "reason"] == ""
        assert found.loc[2005, "tco2e_per_capita"] == 4.0

    def test_a_child_without_any_row_has_nobody_before_the_split(self):
        series = series_of({"0330": {2000: 40.0}, "0380": {2000: 160.0}})
        population = population_of({"0380": {2000: 50}})
        found = network.per_capita(series, population, ["0330", "0380"], KNIVSTA)
        assert found["tco2e_per_capita"].tolist() == [4.0]

    def test_of_three_that_were_one_two_are_not_enough(self):
        splits = [("0461", "0480", 1991), ("0488", "0480", 1991)]
        series = series_of({code: {1990: 10.0} for code in ("0461", "0480", "0488")})
        population = population_of({code: {1990: 5} for code in ("0461", "0480", "0488")})
        two = network.per_capita(series, population, ["0461", "0480"], splits)
        three = network.per_capita(series, population, ["0461", "0480", "0488"], splits)
        assert two["reason"].tolist() == ["borders_changed"]
        assert three["tco2e_per_capita"].tolist() == [2.0]

    def test_without_population_or_emissions_of_one_region_the_sum_is_null(self):
        series = series_of({"0114": {2023: 1.0, 2024: 1.0}, "0115": {2024: 1.0}})
        population = population_of({"0114": {2023: 10, 2024: 10}, "0115": {2023: 10}})
        found = network.per_capita(series, population, ["0114", "0115"], NO_SPLITS)
        assert found["reason"].tolist() == ["no_emissions", "no_population"]
        assert found["tco2e_per_capita"].isna().all()

    def test_linked_years_are_left_out(self):
        series = pd.concat(
            [series_of({"0114": {2024: 1.0}}), series_of({"0114": {2018: 9.0}}, published=False)]
        )
        found = network.per_capita(series, population_of({"0114": {2018: 1, 2024: 1}}), ["0114"], NO_SPLITS)
        assert found["year"].tolist() == [2024]

    @given(
        cells=st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**5)), min_size=1, max_size=6),
    )
    def test_a_set_lies_between_its_lowest_and_highest_region(self, cells):
        codes = [f"{number:04d}" for number in range(len(cells))]
        series = series_of({code: {2024: float(t)} for code, (t, _) in zip(codes, cells, strict=True)})
        population = population_of({code: {2024: p} for code, (_, p) in zip(codes, cells, strict=True)})
        whole = network.per_capita(series, population, codes, NO_SPLITS)["tco2e_per_capita"].iloc[0]
        single = [t / p for t, p in cells]
        assert min(single) * (1 - 1e-12) <= whole <= max(single) * (1 + 1e-12)


class TestEveryRegion:
    def found(self) -> pd.DataFrame:
        years = (2024, 2025)
        series = series_of(
            {
                "00": dict.fromkeys(years, 1_000.0),
                "03": dict.fromkeys(years, 400.0),
                "0331": dict.fromkeys(years, 150.0),
                "0380": dict.fromkeys(years, 250.0),
            }
        )
        population = population_of(
            {
                "00": {2024: 500, 2025: 505},
                "03": {2024: 90, 2025: 104},
                "0331": {2024: 30, 2025: 31},
                "0380": {2024: 70, 2025: 72},
            }
        )
        county_of = {"0331": "03", "0380": "03"}
        return network.build_per_capita(series, population, county_of, NO_SPLITS).set_index(
            ["region_code", "year"]
        )

    def test_a_county_counts_its_municipalities_in_todays_borders(self):
        assert self.found().loc[("03", 2024), "population_count"] == 100
        assert self.found().loc[("03", 2024), "tco2e_per_capita"] == 4.0

    def test_from_2025_county_and_nation_are_taken_as_published(self):
        assert self.found().loc[("03", 2025), "population_count"] == 104
        assert self.found().loc[("00", 2025), "population_count"] == 505

    def test_the_nation_is_its_own_row(self):
        assert self.found().loc[("00", 2024), "tco2e_per_capita"] == 2.0


class TestChange:
    def test_worked_example(self):
        base, last = np.array([2_000.0, 900.0, 1_500.0, np.nan]), np.array([1_500.0, 450.0, 1_000.0, 5.0])
        change, reasons = network.change_since(base, last, np.array([1e5, 1e4, 2e5, 1e5]))
        assert change[0] == -25.0
        assert np.isnan(change[1:]).all()
        assert reasons == ["", "base_too_small", "base_too_small", "no_emissions"]


UPPSALA, TIERP = "0380", "0360"


class TestChangePerInhabitant:
    """Uppsala held Knivsta until 2003; Tierp has always been alone."""

    years = (1990, 2000, 2024)
    series = series_of(
        {
            "00": dict(zip(years, (1e6, 9e5, 6e5), strict=True)),
            "03": dict(zip(years, (300e3, 280e3, 222e3), strict=True)),
            "0330": dict(zip(years, (10e3, 10e3, 12e3), strict=True)),
            "0380": dict(zip(years, (90e3, 90e3, 60e3), strict=True)),
            "0360": dict(zip(years, (200e3, 180e3, 150e3), strict=True)),
        }
    )
    population = population_of(
        {
            "00": dict(zip(years, (100_000, 100_000, 120_000), strict=True)),
            "0330": {2024: 2_000},
            "0380": dict(zip(years, (10_000, 10_000, 10_000), strict=True)),
            "0360": dict(zip(years, (20_000, 20_000, 20_000), strict=True)),
        }
    )

    def change(self, *codes: str, population: pd.DataFrame | None = None) -> pd.DataFrame:
        """What was not yet a municipality has no row, as in the warehouse."""
        known = self.population if population is None else population
        return network.per_capita_change(self.series, known, codes, KNIVSTA).set_index("year")

    def test_a_row_with_nobody_in_it_is_no_row(self):
        nobody = population_of({"0330": {1990: 0, 2000: 0}})
        whole = pd.concat([self.population, nobody], ignore_index=True)
        pd.testing.assert_frame_equal(self.change(UPPSALA, population=whole), self.change(UPPSALA))

    def test_a_part_of_a_split_municipality_is_widened_by_the_rest_in_both_years(self):
        found = self.change(UPPSALA)
        assert found.loc[2024, "per_capita_change_pct"] == pytest.approx(-40.0)
        assert found.loc[2024, "per_capita_change_reason"] == ""
        assert found.loc[2024, "widened_with"] == ("0330",)
        assert self.change("0330").loc[2024, "per_capita_change_pct"] == pytest.approx(-40.0)
        assert self.change("0330").loc[2024, "widened_with"] == (UPPSALA,)

    def test_without_the_population_of_the_mother_nobody_knows_the_childs(self):
        late = self.population[
            (self.population["region_code"] != UPPSALA) | (self.population["year"] == 2024)
        ]
        found = self.change(UPPSALA, population=late)
        assert set(found["per_capita_change_reason"]) == {"no_population"}

    def test_a_whole_set_is_not_widened(self):
        assert self.change(TIERP).loc[2024].tolist() == [-25.0, "", ()]
        assert self.change(UPPSALA, "0330")["widened_with"].tolist() == [(), (), ()]

    def test_a_year_without_population_has_its_reason(self):
        late = self.population[self.population["year"] == 2024]
        found = self.change(TIERP, population=late)
        assert found["per_capita_change_pct"].isna().all()
        assert set(found["per_capita_change_reason"]) == {"no_population"}

    def test_an_empty_set_says_that_it_has_no_members(self):
        assert set(self.change()["per_capita_change_reason"]) == {"no_members"}

    def test_a_series_that_begins_later_has_no_change(self):
        late = self.series[self.series["year"] > 1990]
        found = network.per_capita_change(late, self.population, [TIERP], KNIVSTA)
        assert set(found["per_capita_change_reason"]) == {"no_emissions"}

    def test_of_three_that_were_one_each_brings_the_other_two(self):
        splits = [("0461", "0480", 1992), ("0488", "0480", 1992)]
        assert network.missing_halves(["0461"], splits) == ["0480", "0488"]
        assert network.missing_halves(["0461", "0480"], splits) == ["0488"]
        assert network.missing_halves(["0461", "0480", "0488"], splits) == []
        assert network.missing_halves(["0461"], splits, since=1992) == []

    @given(st.sets(st.sampled_from(sorted({code for split in network.splits() for code in split[:2]}))))
    def test_a_widened_set_lacks_nothing_and_holds_what_it_held(self, codes):
        added = network.missing_halves(codes, network.splits())
        assert not codes & set(added)
        assert network.missing_halves(codes | set(added), network.splits()) == []

    @given(st.integers(1_000, 10**6), st.integers(1_000, 10**6), st.integers(1, 10**5))
    def test_with_the_same_inhabitants_it_is_the_change_of_the_emissions(self, first, last, inhabitants):
        series = series_of({TIERP: {1990: float(first), 2024: float(last)}})
        population = population_of({TIERP: {1990: inhabitants, 2024: inhabitants}})
        found = network.per_capita_change(series, population, [TIERP], KNIVSTA).set_index("year")
        expected = 100.0 * (last - first) / first
        assert found.loc[2024, "per_capita_change_pct"] == pytest.approx(expected, abs=1e-9)

    def rows(self, **settings: int) -> pd.DataFrame:
        county_of = {"0330": "03", "0380": "03", "0360": "03"}
        by_boundary = {
            "territorial": self.series,
            "published_total": self.series,
            "domestic_transport": self.series.assign(value_tco2e=self.series["value_tco2e"] / 200.0),
        }
        found = network.build_per_inhabitant(by_boundary, self.population, county_of, KNIVSTA, **settings)
        assert list(found.columns) == list(network.PER_INHABITANT_COLUMNS)
        return found.set_index(["boundary", "region_code", "year"]).sort_index()

    def test_every_region_has_its_level_and_its_change(self):
        found = self.rows().loc["territorial"]
        assert found.loc[(TIERP, 2024), "emissions_t_per_capita"] == 7.5
        change = found["per_capita_change_since_1990_pct"]
        assert change[TIERP, 2024] == -25.0
        assert change[UPPSALA, 2024] == pytest.approx(-40.0)
        assert change["00", 2024] == -50.0
        assert change["03", 2024] == pytest.approx(100 * (222 / 32 / 10 - 1))
        assert change[TIERP, 1990] == 0.0
        assert found.loc[(UPPSALA, 2000), "per_capita_reason"] == "borders_changed"
        assert found.loc[(UPPSALA, 2000), "widened_with"] == ("0330",)
        assert found.loc[(TIERP, 2000), "widened_with"] == ()

    def test_a_small_base_and_a_broken_total_give_no_change(self):
        found = self.rows(total_changed_from=2024)
        reasons = found["per_capita_change_reason"]
        assert reasons["domestic_transport", TIERP, 2024] == "base_too_small"
        assert reasons["published_total", TIERP, 2024] == "scope_changed"
        assert reasons["published_total", TIERP, 2000] == ""
        assert reasons["territorial", TIERP, 2024] == ""
        missing = found["per_capita_change_since_1990_pct"].isna()
        assert (missing == (reasons != "")).all()


class TestLocalSignal:
    def test_counts_municipalities_near_the_nation(self):
        table = table_of(
            ["00", "03", "0001", "0002", "0003", "0004", "0005"],
            transport=[[1000, 900], [100, 90], [100, 90.1], [100, 89.9], [100, 90], [10, 9.1], [0, 10]],
            waste=[[1000, 900], [100, 90], [100, 90.3], [100, 85], [100, 90], [100, 95], [100, 95]],
        )
        found = network.find_local_signal(table, 2020, 2024).set_index("sector_code")
        assert found.loc["transport", "municipalities_n"] == 4
        assert found.loc["transport", "near_nation_pct"] == 75.0
        assert found.loc["transport", "near_nation_tonnes_pct"] == pytest.approx(100 * 300 / 310)
        assert found.loc["transport", "scaled_nationally"], "three of four: exactly at the limit"
        assert found.loc["waste", "near_nation_pct"] == 20.0
        assert not found.loc["waste", "scaled_nationally"]
        assert found.loc["industry", "municipalities_n"] == 0

    def test_the_tonnes_mark_a_sector_of_which_few_municipalities_move_with_the_nation(self):
        table = table_of(
            ["00", "0001", "0002", "0003"], industry=[[1000, 900], [800, 720], [10, 20], [10, 5]]
        )
        found = network.find_local_signal(table, 2020, 2024).set_index("sector_code")
        assert found.loc["industry", "near_nation_pct"] == pytest.approx(33.3, abs=0.05)
        assert found.loc["industry", "near_nation_tonnes_pct"] == pytest.approx(100 * 800 / 820)
        assert found.loc["industry", "scaled_nationally"]

    def test_a_longer_pair_is_marked_by_its_last_step(self):
        table = table_of(
            ["00", "0001", "0002"],
            years=(2015, 2020, 2024),
            industry=[[1000, 800, 720], [100, 40, 36], [100, 90, 81]],
        )
        marked = {
            pair: bool(
                network.find_local_signal(table, *pair)
                .set_index("sector_code")
                .loc["industry", "scaled_nationally"]
            )
            for pair in ((2015, 2020), (2015, 2024), (2020, 2024))
        }
        assert marked == {(2015, 2020): False, (2015, 2024): True, (2020, 2024): True}
        own = network.find_local_signal(table, 2015, 2024).set_index("sector_code").loc["industry"]
        assert own["near_nation_pct"] == 0.0, "the shares are those of the pair itself"

    def test_a_year_the_release_lacks_is_refused(self):
        with pytest.raises(ValueError, match=r"release r1: cannot compare 2015 with 2024; .* 2020, 2024"):
            network.find_local_signal(table_of(["00"]), 2015, 2024)

    def test_a_release_without_the_nation_is_refused(self):
        with pytest.raises(ValueError, match="no row for the nation"):
            network.find_local_signal(table_of(["0360"]), 2020, 2024)


class TestNetwork:
    territorial = series_of(
        {
            "00": {2020: 1_000.0, 2024: 900.0},
            "0001": {2020: 100.0, 2024: 90.0},
            "0002": {2020: 40.0, 2024: 44.0},
            "0003": {2020: 10.0, 2024: 9.0},
        }
    )
    proxy = series_of({"00": {2024: 600.0}, "0001": {2024: 30.0}, "0002": {2024: 20.0}, "0003": {2024: 9.0}})
    population = population_of(
        {
            "00": {2020: 500, 2024: 500},
            "0001": {2020: 10, 2024: 10},
            "0002": {2020: 20, 2024: 20},
            "0003": {2020: 5, 2024: 5},
        }
    )

    def build(self, members: list[tuple[str, object, object]]) -> pd.DataFrame:
        frame = pd.DataFrame(members, columns=["region_code", "joined_on", "left_on"])
        built = network.build_network(
            frame, self.territorial, self.proxy, self.population, NO_SPLITS, as_of=dt.date(2026, 5, 8)
        )
        return built.set_index(["variant", "year"])

    def test_worked_example(self):
        day = dt.date(2010, 1, 1)
        found = self.build([("0001", day, None), ("0002", dt.date(2022, 1, 1), pd.NaT), ("12", day, None)])
        emissions = found["emissions_tco2e"]
        assert emissions["members_at_the_time", 2020] == 100.0
        assert emissions["members_at_the_time", 2024] == 134.0
        assert emissions["constant_panel", 2020] == 140.0
        assert emissions["without_largest_emitter", 2024] == 44.0
        assert found["left_out"]["without_largest_emitter", 2024] == "0001"
        assert emissions["constant_panel_on_proxy", 2024] == 50.0
        assert emissions["without_largest_emitter_on_proxy", 2024] == 20.0
        assert emissions["rest_of_sweden", 2020] == 10.0
        assert found["tco2e_per_capita"]["rest_of_sweden", 2024] == 9 / 5
        assert emissions["rest_of_sweden_on_proxy", 2024] == 9.0
        assert emissions["sweden", 2024] == 900.0
        assert emissions["unallocated", 2020] == 850.0
        assert emissions["unallocated_on_proxy", 2024] == 541.0
        assert found["reason"]["unallocated", 2020] == "no_population"
        counts = found["members_n"].xs(2024, level="year")
        assert counts["constant_panel"] == 2
        assert counts["rest_of_sweden"] == 1
        assert counts["sweden"] == 3
        assert counts["unallocated"] == 0

    def test_a_member_that_left_is_out_of_the_panel_but_was_one_then(self):
        day = dt.date(2010, 1, 1)
        found = self.build([("0001", day, None), ("0003", day, dt.date(2022, 6, 1))])
        assert found["emissions_tco2e"]["constant_panel", 2020] == 100.0
        assert found["emissions_tco2e"]["members_at_the_time", 2020] == 110.0
        assert found["emissions_tco2e"]["members_at_the_time", 2024] == 90.0

    def test_an_unknown_join_date_makes_members_at_the_time_null_with_the_reason(self):
        found = self.build([("0001", None, None), ("0002", dt.date(2010, 1, 1), None)])
        assert found["reason"]["members_at_the_time", 2024] == "join_date_unknown"
        assert np.isnan(found["emissions_tco2e"]["members_at_the_time", 2024])
        assert found["emissions_tco2e"]["constant_panel", 2024] == 134.0

    def test_a_change_counts_only_between_years_with_the_same_members(self):
        first, later = (dt.date(year, 1, 1) for year in (1985, 2022))
        series = series_of(
            {"00": {1990: 9e6, 2024: 9e6}, "0001": {1990: 4e3, 2024: 3e3}, "0002": {1990: 1e3, 2024: 1e3}}
        )
        for joined, reason in ((first, ""), (later, "other_members")):
            members = pd.DataFrame(
                [("0001", first, None), ("0002", joined, None)],
                columns=["region_code", "joined_on", "left_on"],
            )
            built = network.build_network(
                members, series, series, self.population, NO_SPLITS, as_of=dt.date(2026, 5, 8)
            ).set_index(["variant", "year"])
            row = built.loc[("members_at_the_time", 2024)]
            assert row["change_reason"] == reason
            assert (row["change_pct"] == -20.0) == (reason == "")
            assert built["change_pct"]["constant_panel", 2024] == -20.0
            assert built["change_pct"]["without_largest_emitter", 2024] == 0.0

    def test_the_rest_lacks_a_half_exactly_when_the_panel_does(self):
        years = (1990, 2024)
        series = series_of({code: dict.fromkeys(years, 1e4) for code in ("00", "0330", "0380", "0360")})
        members = pd.DataFrame([("0380", None, None)], columns=["region_code", "joined_on", "left_on"])
        built = network.build_network(
            members, series, series, self.population, KNIVSTA, as_of=dt.date(2026, 5, 8)
        ).set_index(["variant", "year"])
        for variant in ("constant_panel", "rest_of_sweden"):
            assert built["reason"][variant, 1990] == "borders_changed"
        assert built["widened_with"]["constant_panel", 2024] == ("0330",)
        assert built["widened_with"]["rest_of_sweden", 2024] == ("0380",)

    def test_dates_of_a_frame_are_read_as_dates(self):
        members = [
            ("0001", pd.Timestamp(2010, 1, 1), pd.Timestamp(2012, 1, 1)),
            ("0002", pd.Timestamp(2010, 1, 1), pd.NaT),
        ]
        assert self.build(members)["emissions_tco2e"]["constant_panel", 2024] == 44.0

    def test_without_members_the_sums_are_null_and_the_nation_stands(self):
        found = self.build([])
        assert found["reason"]["constant_panel", 2024] == "no_members"
        assert found["emissions_tco2e"].xs("constant_panel").isna().all()
        assert found["emissions_tco2e"]["rest_of_sweden", 2024] == 143.0
        assert found["emissions_tco2e"]["unallocated", 2024] == 757.0

    def test_panel_rest_and_unallocated_part_are_the_nation(self):
        found = self.build([("0001", None, None), ("0003", None, None)])["emissions_tco2e"]
        parts = ("constant_panel", "rest_of_sweden", "unallocated")
        for year in (2020, 2024):
            assert sum(found[part, year] for part in parts) == found["sweden", year]


def test_a_member_that_joins_later_is_none_today() -> None:
    day = dt.date(2026, 5, 8)
    members = pd.DataFrame(
        {
            "region_code": ["0360", "0380", "1280", "1281"],
            "joined_on": [dt.date(2027, 1, 1), None, dt.date(2003, 1, 1), None],
            "left_on": [None, None, dt.date(2026, 5, 8), dt.date(2026, 5, 9)],
        },
        dtype=object,
    )
    assert network.members_on(members, day) == ["0380", "1281"]
