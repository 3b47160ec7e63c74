"""The formulas on the real releases: Klimatkollen's published results and the regression facts.

Expected figures: ``klimatkollen/results_edition_2026a.csv`` and the regression facts of the methods
(release "2026a" is the first publication of May 2026, "2025" that of June 2025, "2021" of October 2021).
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from klimatpuls.domain.regions import code_for, codes
from klimatpuls.domain.rounding import round_change, round_parts
from klimatpuls.registers import read_registers
from klimatpuls.sources import smhi_emissions
from klimatpuls.statistics import (
    backtest,
    carbon_law,
    change_parts,
    derived,
    network,
    nowcast,
    peers,
    revisions,
    standing,
    trend,
)
from klimatpuls.statistics import series as series_of
from klimatpuls.statistics.series import ReleaseTable, build_release_table, build_series
from klimatpuls.statistics.targets import Target

pytestmark = pytest.mark.real_data

TIERP = "0360"
NATION = "00"
MUNICIPALITIES = codes("municipality")
WORKBOOKS = {
    "2021": "GGT_edition_2021-10-14",
    "2025": "GGT_edition_2025",
    "2026a": "GGT_edition_2026a",
}
KLIMATKOLLEN = {
    "emissionsSlope": "emissions_slope_t_per_year",
    "historicalEmissionChangePercent": "annual_change_v1_pct",
    "totalTrend": "trend_total_tco2e",
    "totalCarbonLaw": "carbon_law_total_tco2e",
    "approximated_2026": "estimated_reference_year_tco2e",
    "trend_2027": "projected_next_year_tco2e",
    "trend_2030": "projected_2030_tco2e",
    "trend_2045": "projected_2045_tco2e",
    "trend_2050": "projected_2050_tco2e",
}


def line(target_id: str, boundary: str, base_year: int, below: float, target_year: int = 2030) -> Target:
    return Target(
        target_id=target_id,
        boundary=boundary,
        target_type="percent_below_base",
        base_year=base_year,
        target_year=target_year,
        percent_below_base=below,
    )


def revise_last_year(table: ReleaseTable, spread: float) -> ReleaseTable:
    """A synthetic quiet correction: municipal cells of the last year that are no copies, moved a little."""
    chance = np.random.default_rng(15)
    rows = [row for row, code in enumerate(table.region_codes) if len(code) == 4]
    signal = network.find_local_signal(table, *table.years[-2:].tolist()).set_index("sector_code")
    moved = {code: values.copy() for code, values in table.sectors.items()}
    for code in signal.index[~signal["scaled_nationally"]]:
        moved[code][rows, -1] *= np.exp(spread * chance.standard_normal(len(rows)))
    return ReleaseTable("correction", table.region_codes, table.years, moved)


LINES = [
    line("-63", "effort_sharing_proxy", 1990, 63.0),
    line("-55", "effort_sharing_proxy", 1990, 55.0),
    line("transport -70", "domestic_transport", 2010, 70.0),
]


@pytest.fixture(scope="module")
def facts(real_data: Path) -> dict[str, pd.DataFrame]:
    """The rows of the three releases of all greenhouse gases."""
    return {
        release: smhi_emissions.parse(
            [(real_data / "smhi" / f"{name}.xlsx").read_bytes()], "smhi_emissions", "ghg"
        ).rows.rename(columns={"emissions": "emissions_tco2e"})
        for release, name in WORKBOOKS.items()
    }


@pytest.fixture(scope="module")
def tables(facts: dict[str, pd.DataFrame]) -> dict[str, ReleaseTable]:
    return {release: build_release_table(release, rows) for release, rows in facts.items()}


def municipal(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["region_code"].isin(MUNICIPALITIES)]


def with_aviation_left_in(table: ReleaseTable) -> dict[str, pd.DataFrame]:
    return {name: build_series(table, name, keep_aviation=True) for name in series_of.BOUNDARIES}


@pytest.fixture(scope="module")
def both(real_data: Path, tables: dict[str, ReleaseTable]) -> pd.DataFrame:
    published = pd.read_csv(real_data / "klimatkollen" / "results_edition_2026a.csv")
    published["region_code"] = [code_for(name) for name in published["name"]]
    ours = carbon_law.build_carbon_law(build_series(tables["2026a"], "published_total"), 2026)
    return published.merge(ours, on="region_code", validate="one_to_one")


class TestKlimatkollen:
    def test_all_157_are_compared(self, both):
        assert len(both) == 157

    @pytest.mark.parametrize(("theirs", "ours"), KLIMATKOLLEN.items())
    def test_every_column_to_its_tolerance(self, both, theirs, ours):
        published, computed = both[theirs].to_numpy(dtype=float), both[ours].to_numpy(dtype=float)
        np.testing.assert_array_equal(np.isnan(published), np.isnan(computed))
        allowed = np.maximum(0.0006, 1e-5 * np.abs(published))
        worst = int(np.nanargmax(np.abs(published - computed) / allowed))
        assert abs(published[worst] - computed[worst]) <= allowed[worst], both["name"].iloc[worst]

    def test_dates_exactly_and_empty_where_theirs_are(self, both):
        published = [text if isinstance(text, str) else None for text in both["hitNetZero"]]
        computed = [None if day is None else day.isoformat() for day in both["net_zero_date"]]
        assert computed == published

    def test_20_of_290_meet_it_and_21_without_international_transport(self, tables):
        found = {
            boundary: municipal(carbon_law.build_carbon_law(build_series(tables["2026a"], boundary), 2026))
            for boundary in ("published_total", "territorial")
        }
        meeting = {
            boundary: set(frame.loc[frame["meets_carbon_law"].fillna(False), "region_code"])
            for boundary, frame in found.items()
        }
        assert {boundary: len(frame) for boundary, frame in found.items()} == {
            "published_total": 290,
            "territorial": 290,
        }
        assert len(meeting["published_total"]) == 20
        assert len(meeting["territorial"]) == 21
        assert meeting["territorial"] - meeting["published_total"] == {code_for("Vallentuna")}


class TestTierp:
    def test_territorial(self, tables):
        own = build_series(tables["2026a"], "territorial")
        values = own[own["region_code"] == TIERP].set_index("year")["value_tco2e"]
        assert values[[1990, 2023, 2024]].round(1).tolist() == [217_922.7, 130_228.3, 146_060.4]

    def test_proxy_with_aviation_level_and_required_rate(self, tables):
        found = standing.evaluate_all(
            LINES[:1], with_aviation_left_in(tables["2026a"]), as_of=dt.date(2026, 5, 8), allow_aviation=True
        )
        row = found[found["region_code"] == TIERP].iloc[0]
        assert round(row["base_tco2e"], 1) == 187_660.8
        assert round(row["last_tco2e"], 1) == 139_205.0
        assert round(row["level_tco2e"], 1) == 69_434.5
        assert round(100 * row["required_annual_reduction_rate"], 1) == 10.9

    def test_national_and_own_part_since_2015(self, tables):
        total = change_parts.build_change_parts(tables["2026a"], [(2015, 2024)], with_sectors=False)
        row = total.set_index("region_code").loc[TIERP]
        assert row[["change_pct", "national_part_pct", "own_part_pct"]].astype(float).round(1).tolist() == [
            -12.2,
            -7.4,
            -4.8,
        ]

    def test_change_since_1990_between_the_2025_and_2026a_releases(self, tables):
        steps = revisions.decompose_change(
            build_series(tables["2025"], "territorial"), build_series(tables["2026a"], "territorial"), 1990
        )
        own = steps[steps["region_code"] == TIERP].set_index("step")
        assert own["part_points"].round(2).to_dict() == {
            "stored": 0.0,
            "method": 0.0,
            "vanished_years": 0.0,
            "revised_values": -0.49,
            "revised_base": -2.20,
            "new_data": 7.27,
        }
        assert own["change_pct"].round(2)[["stored", "new_data"]].tolist() == [-37.55, -32.98]

    def test_revision_of_1990_in_the_diff(self, facts):
        diff = revisions.diff_releases(facts["2025"], facts["2026a"])
        row = diff[(diff["region_code"] == TIERP) & (diff["sector_code"] == "all") & (diff["year"] == 1990)]
        assert row[["old_tco2e", "new_tco2e"]].round(0).to_numpy().tolist() == [[210_185.0, 217_923.0]]
        assert set(diff.loc[diff["change"] == "vanished", "year"]) == {2016, 2017, 2018, 2019}
        assert set(diff.loc[diff["change"] == "appeared", "year"]) == {2024}
        both = diff[diff["change"].isin(["revised", "unchanged"])]
        assert round(100 * (both["change"] == "revised").mean(), 1) == 74.9

    def test_the_record_of_first_publications(self, tables):
        found = revisions.build_record(list(tables.values())).set_index(["sector_code", "years_since_first"])
        shown = found.loc["all", ["pairs_n", "median_moved_pct", "p90_moved_pct"]].round(1)
        assert shown.to_dict("index") == {
            1: {"pairs_n": 1, "median_moved_pct": 0.8, "p90_moved_pct": 2.2},
            4: {"pairs_n": 1, "median_moved_pct": 4.2, "p90_moved_pct": 10.1},
        }

    def test_revision_of_2023_without_international_transport(self, facts):
        sides = [facts[release] for release in ("2025", "2026a")]
        published = revisions.diff_releases(*sides)
        territorial = revisions.diff_releases(*map(revisions.without_international, sides))

        def totals_of(diff: pd.DataFrame) -> pd.DataFrame:
            return diff[(diff["sector_code"] == "all") & (diff["year"] == 2023)].set_index("region_code")

        sigtuna = code_for("Sigtuna")
        assert totals_of(published).loc[[NATION, sigtuna], "difference_pct"].round(1).tolist() == [0.1, 37.2]
        own = totals_of(territorial)
        assert own.loc[[NATION, sigtuna], "difference_pct"].round(3).tolist() == [-0.301, -1.123]
        movers = revisions.find_largest_movers(municipal(own.reset_index()), count=3)
        assert dict(zip(movers["region_code"], movers["difference_tco2e"].round(), strict=True)) == {
            code_for("Stockholm"): -33_854,
            code_for("Gävle"): 18_311,
            code_for("Göteborg"): -13_393,
        }


@pytest.fixture(scope="module")
def found(tables: dict[str, ReleaseTable]) -> pd.DataFrame:
    return standing.evaluate_all(
        LINES, with_aviation_left_in(tables["2026a"]), as_of=dt.date(2026, 5, 8), allow_aviation=True
    )


class TestStandings:
    @pytest.mark.parametrize(
        ("target_id", "expected"),
        [
            ("-63", (2, 7, 10, 7, 53, 211)),
            ("-55", (10, 28, 19, 15, 71, 147)),
            ("transport -70", (0, 3, 4, 1, 29, 253)),
        ],
    )
    def test_of_the_290_with_aviation_left_in(self, found, target_id, expected):
        statuses = ("below_level", "all_below", "most_below", "split", "few_below", "none_below")
        counts = municipal(found[found["target_id"] == target_id])["status"].value_counts()
        assert tuple(int(counts.get(status, 0)) for status in statuses) == expected
        assert counts.sum() == 290

    def test_below_minus_55_in_2023_and_in_2024(self, tables):
        own = municipal(build_series(tables["2026a"], "effort_sharing_proxy", keep_aviation=True))
        wide = own.pivot_table(index="region_code", columns="year", values="value_tco2e")
        assert int((wide[2023] <= 0.45 * wide[1990]).sum()) == 33
        assert int((wide[2024] <= 0.45 * wide[1990]).sum()) == 10

    def test_2021_release_alone_is_insufficient_for_every_target(self, tables):
        by_boundary = {name: build_series(tables["2021"], name) for name in series_of.BOUNDARIES}
        far = [line("-85", "territorial", 1990, 85.0, 2045)]
        found = standing.evaluate_all(LINES + far, by_boundary, as_of=dt.date(2021, 10, 20))
        assert set(found["status"]) == {"insufficient_data"}
        assert set(found["reason"]) == {"span_too_short"}
        assert len(found) == 4 * 312

    def test_without_a_release_that_has_aviation_there_is_no_standing(self, tables):
        by_boundary = {name: build_series(tables["2026a"], name) for name in series_of.BOUNDARIES}
        found = standing.evaluate_all(LINES, by_boundary, as_of=dt.date(2026, 5, 8))
        assert set(found["reason"]) == {"aviation_unknown"}

    def test_the_last_step_of_a_revision_is_the_new_standing(self, tables):
        old = build_series(tables["2025"], "effort_sharing_proxy", earlier=[tables["2021"]])
        new = build_series(tables["2026a"], "effort_sharing_proxy", earlier=[tables["2021"], tables["2025"]])
        as_of = dt.date(2026, 5, 8)
        sides = ({"effort_sharing_proxy": one} for one in (old, new))
        steps = revisions.decompose_standings(LINES[1:2], *sides, as_of=as_of)
        whole = standing.evaluate_all(LINES[1:2], {"effort_sharing_proxy": new}, as_of=as_of)
        last = steps[steps["step"] == "new_data"]
        assert last["status"].tolist() == whole["status"].tolist()
        np.testing.assert_allclose(last["central_tco2e"], whole["central_tco2e"], rtol=0)


class TestRegressionFacts:
    def test_median_split_2020_to_2024(self, tables):
        total = change_parts.build_change_parts(tables["2026a"], [(2020, 2024)], with_sectors=False)
        columns = ["change_pct", "national_part_pct", "own_part_pct"]
        assert municipal(total)[columns].median().round(1).tolist() == [3.9, 4.4, -0.4]

    def test_unallocated_percent_per_year(self, tables):
        table = tables["2026a"]
        counties = [table.region_codes.index(code) for code in codes("county")]
        nation = table.sector("all")[table.region_codes.index(NATION)]
        unallocated = 100 * (nation - table.sector("all")[counties].sum(axis=0)) / nation
        assert unallocated.round(3).tolist() == [
            0.363, 0.397, 0.415, 0.400, 0.465, 0.369, 0.377, 0.448, 0.457, 0.380,
        ]  # fmt: skip

    def test_sigtuna_with_and_without_international_transport(self, tables):
        changes = []
        for boundary in ("published_total", "territorial"):
            own = build_series(tables["2026a"], boundary)
            values = own[own["region_code"] == code_for("Sigtuna")].set_index("year")["value_tco2e"]
            changes.append(round(100 * (values[2024] / values[1990] - 1), 1))
        assert changes == [3.8, -20.7]

    def test_25_municipalities_live_by_one_plant(self, tables):
        assert len(series_of.find_one_plant(tables["2026a"]) & set(MUNICIPALITIES)) == 25

    def test_three_sectors_of_2024_are_scaled_nationally(self, tables):
        found = network.find_local_signal(tables["2026a"], 2023, 2024).set_index("sector_code")
        shares = found[["near_nation_pct", "near_nation_tonnes_pct"]].round(1)
        assert shares.loc["own_heating"].tolist() == [99.3, 99.8]
        assert shares.loc["power_heat"].tolist() == [37.7, 97.7]
        assert shares.loc["industry"].tolist() == [21.0, 90.6]
        scaled = set(found.index[found["scaled_nationally"]])
        assert scaled == {"own_heating", "power_heat", "industry"}
        assert shares.drop(sorted(scaled)).max().tolist() == [10.7, 13.0]

    def test_of_all_pairs_of_all_releases_only_those_that_end_in_2024_are_marked(self, tables):
        marked, highest = set(), 0.0
        for release, table in tables.items():
            for first, last in change_parts.every_pair(table):
                found = network.find_local_signal(table, first, last)
                if found["scaled_nationally"].any():
                    marked.add((release, last))
                if last != 2024:
                    highest = max(
                        highest, found[["near_nation_pct", "near_nation_tonnes_pct"]].max(axis=None)
                    )
        assert marked == {("2026a", 2024)}
        assert 67.0 < highest < 68.0

    def test_what_of_a_municipality_can_be_measured(self, tables):
        parts = change_parts.build_change_parts(tables["2026a"], [(2023, 2024)], with_sectors=False)
        parts = parts.set_index("region_code")
        shares = {
            name: (
                round(parts.loc[code_for(name), "scaled_share_pct"]),
                parts.loc[code_for(name), "own_part_status"],
            )
            for name in ("Tierp", "Lund", "Mora", "Sigtuna", "Luleå")
        }
        assert shares == {
            "Tierp": (7, "measured"),
            "Lund": (9, "measured"),
            "Mora": (21, "partly_measured"),
            "Sigtuna": (28, "partly_measured"),
            "Luleå": (94, "partly_measured"),
        }
        assert (parts["own_part_status"] == "partly_measured").sum() == 138

    def test_84_tables_would_contradict_themselves_without_largest_remainder(self, tables):
        parts = municipal(
            change_parts.build_change_parts(tables["2026a"], [(2023, 2024)], with_sectors=False)
        )
        rows = parts[["change_pct", "national_part_pct", "own_part_pct"]].to_numpy()
        wrong = [abs(round(b, 1) + round(c, 1) - round(a, 1)) > 0.01 for a, b, c in rows]
        assert sum(wrong) == 84
        for whole, *own in rows:
            assert sum(round_parts(whole, own, 1)) == pytest.approx(round(whole, 1), abs=1e-9)

    def test_printed_parts_add_up_for_every_region_and_consecutive_pair(self, tables):
        """As mail, pages and dashboard print them; the total is the one of the boundary."""
        checked = contradicting = 0
        for table in tables.values():
            whole = series_of.to_matrix(build_series(table, series_of.TERRITORIAL))
            for first, last in pairwise(table.years.tolist()):
                parts = change_parts.build_change_parts(table, [(first, last)], with_sectors=False)
                parts = parts.set_index("region_code").loc[list(whole.region_codes)]
                base = whole.at(first)
                change, _ = network.change_since(base, whole.at(last), base)
                numbers = zip(change, parts["national_part_pct"], parts["own_part_pct"], strict=True)
                for total, national, own in numbers:
                    if np.isnan([total, national, own]).any():
                        continue
                    printed = round_change(total, national, own)
                    assert printed[0] == round(total, 1)
                    assert printed[1] + printed[2] == pytest.approx(printed[0], abs=1e-9)
                    assert abs(printed[1] - national) < 0.1
                    assert abs(printed[2] - own) < 0.1
                    alone = round(national, 1) + round(own, 1)
                    contradicting += abs(alone - printed[0]) > 0.01
                    checked += 1
        assert checked == 311 * sum(len(table.years) - 1 for table in tables.values())
        assert contradicting > checked // 5

    def test_aviation_matters_in_114_municipalities(self, tables):
        table = tables["2021"]
        share = table.sector("transport.domestic_aviation") / table.sector("transport")
        rows = [table.region_codes.index(code) for code in MUNICIPALITIES]
        assert int((share[rows, -1] > 0.02).sum()) == 114


@pytest.fixture(scope="module")
def published(tables):
    matrix = series_of.to_matrix(build_series(tables["2026a"], "published_total")).select(MUNICIPALITIES)
    return matrix.years[matrix.years >= 2015], matrix.values[:, matrix.years >= 2015]


class TestLeastAbsoluteDeviations:
    def test_all_290_equal_a_linear_programming_solver(self, published):
        from scipy.optimize import linprog

        years, values = published
        assert values.shape == (290, 6)
        line = trend.fit(years, values, "lad")
        x = (years - years[-1]).astype(float)
        ours = np.abs(values - line.intercept[:, None] - line.slope[:, None] * x).sum(axis=1)
        equal = np.column_stack([np.ones(len(x)), x, np.eye(len(x)), -np.eye(len(x))])
        bounds = [(None, None)] * 2 + [(0, None)] * (2 * len(x))
        costs = np.concatenate([[0, 0], np.ones(2 * len(x))])
        theirs = [linprog(c=costs, A_eq=equal, b_eq=own, bounds=bounds, method="highs").fun for own in values]
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)

    def test_shift_and_scale_change_nothing_but_shift_and_scale(self, published):
        years, values = published
        line = trend.fit(years, values, "lad")
        scaled = trend.fit(years, 1e-3 * values, "lad")
        np.testing.assert_allclose(scaled.slope, 1e-3 * line.slope, rtol=1e-9)
        raised = trend.fit(years - 1000, values + 5e5, "lad")
        np.testing.assert_allclose(raised.slope, line.slope, rtol=1e-6)


class TestNationalCheck:
    """The proxy of the nation against official figures: total less 25.0 Mt in 1990, −34.5 % to 2024."""

    OFFICIAL = (46_000_515.0, 46_000_515.0 * (1 - 0.345))

    @pytest.mark.parametrize(
        ("keep_aviation", "below", "change"), [(True, [4.6, 2.7], -33.2), (False, [6.1, 3.7], -32.8)]
    )
    def test_the_proxy_lies_below(self, tables, donors, keep_aviation, below, change):
        own = build_series(
            tables["2026a"],
            "effort_sharing_proxy",
            earlier=[tables["2021"], tables["2025"]],
            donors=donors,
            keep_aviation=keep_aviation,
        )
        nation = own[own["region_code"] == NATION].set_index("year")["value_tco2e"]
        found = [
            100 * (1 - nation[year] / figure)
            for year, figure in zip((1990, 2024), self.OFFICIAL, strict=True)
        ]
        assert np.round(found, 1).tolist() == below
        assert round(100 * (nation[2024] / nation[1990] - 1), 1) == change

    def test_the_municipalities_make_the_nation_but_for_the_unallocated(self, tables):
        matrix = series_of.to_matrix(
            build_series(tables["2026a"], "effort_sharing_proxy", keep_aviation=True)
        )
        shares = matrix.select(MUNICIPALITIES).values.sum(axis=0) / matrix.select([NATION]).values[0]
        assert shares.min() > 0.992
        assert shares.max() < 0.996


class TestNetwork:
    def test_per_capita_of_the_confirmed_municipal_members_in_2023(self, tables, donors, real_data):
        population = pd.read_csv(real_data / "scb/population.csv", dtype={"region_code": str})
        population = population.rename(columns={"population": "population_count"})
        register = read_registers().members
        day = dt.date(2026, 5, 8)
        confirmed = network.members_on(register[register["confirmed"].astype(bool)], day)
        members = [code for code in confirmed if len(code) == 4]
        assert len(members) == 18
        lulea = code_for("Luleå")

        def t_per_capita(boundary: str, chosen: list[str], *, keep_aviation: bool = True) -> float:
            own = build_series(
                tables["2026a"],
                boundary,
                earlier=[tables["2021"], tables["2025"]],
                donors=donors,
                keep_aviation=keep_aviation,
            )
            found = network.per_capita(own, population, chosen, network.splits()).set_index("year")
            return round(float(found.loc[2023, "tco2e_per_capita"]), 2)

        assert t_per_capita("territorial", members) == 3.24
        assert t_per_capita("territorial", [code for code in members if code != lulea]) == 2.26
        assert t_per_capita("effort_sharing_proxy", members) == 1.25
        assert t_per_capita("effort_sharing_proxy", members, keep_aviation=False) == 1.23

    def test_sums_changes_and_parts_of_the_confirmed_members(self, tables, real_data):
        population = pd.read_csv(real_data / "scb/population.csv", dtype={"region_code": str})
        population = population.rename(columns={"population": "population_count"})
        register = read_registers().members
        confirmed = network.members_on(register[register["confirmed"].astype(bool)], dt.date(2026, 5, 8))
        members = [code for code in confirmed if len(code) == 4]
        own = build_series(tables["2026a"], "territorial")
        wide = own.pivot_table(index="region_code", columns="year", values="value_tco2e")

        def shown(chosen: list[str]) -> list[float]:
            total = wide.loc[chosen].sum()
            return [round(100 * (total[2024] / total[year] - 1), 2) for year in (2023, 1990)]

        assert round(wide.loc[members, 2024].sum()) == 11_162_325
        assert shown(members) == [5.67, -28.73]
        assert shown([code for code in members if code != code_for("Luleå")]) == [8.82, -37.58]
        assert shown([code for code in MUNICIPALITIES if code not in members]) == [8.83, -34.38]
        assert round((wide.loc[NATION, 2024] - wide.loc[list(MUNICIPALITIES), 2024].sum()) / 1000) == 181
        heads = network.per_capita(own, population, members, network.splits()).set_index("year")
        assert heads.loc[[2023, 2024], "tco2e_per_capita"].round(3).tolist() == [3.245, 3.404]
        parts = change_parts.build_change_parts(tables["2026a"], [(2023, 2024)], with_sectors=False)
        parts = parts[parts["region_code"].isin(members)].sum(numeric_only=True)
        shares = 100 * parts[["national_part_tco2e", "own_part_tco2e"]] / parts["first_tco2e"]
        assert shares.round(1).tolist() == [5.4, 0.3]


@pytest.fixture(scope="module")
def donors(real_data: Path, tables: dict[str, ReleaseTable]) -> list[ReleaseTable]:
    """Who may tell domestic aviation, oldest first; the first two do."""
    workbook = (real_data / "smhi/CO2_edition_2024-04-18.xlsx").read_bytes()
    rows = smhi_emissions.parse([workbook], "smhi_emissions", "co2").rows
    carbon = build_release_table("co2", rows.rename(columns={"emissions": "emissions_tco2e"}))
    return [tables["2021"], carbon, tables["2025"], tables["2026a"]]


@pytest.fixture(scope="module")
def by_boundary(
    tables: dict[str, ReleaseTable], donors: list[ReleaseTable]
) -> dict[str, dict[str, pd.DataFrame]]:
    """Every release's series with what was known then: gone years linked, aviation estimated."""
    order = list(WORKBOOKS)
    names = [table.release_id for table in donors]
    return {
        release: {
            name: build_series(
                tables[release],
                name,
                earlier=[tables[one] for one in order[:place]],
                donors=donors[: names.index(release) + 1],
            )
            for name in series_of.BOUNDARIES
        }
        for place, release in enumerate(order)
    }


class TestAviationEstimated:
    def test_tonnes_of_the_nation_and_who_has_none(self, tables, by_boundary):
        left_in = build_series(tables["2026a"], "effort_sharing_proxy", keep_aviation=True)
        both = by_boundary["2026a"]["effort_sharing_proxy"].merge(
            left_in, on=["region_code", "year"], suffixes=("", "_with")
        )
        aviation = both.assign(t=both["value_tco2e_with"] - both["value_tco2e"])
        nation = aviation[aviation["region_code"] == NATION].set_index("year")["t"] / 1000
        years = [1990, 2010, 2020, 2021, 2022, 2023, 2024]
        assert nation[years].round(1).tolist() == [673.0, 477.4, 194.8, 189.6, 301.0, 301.0, 301.0]
        most = municipal(aviation).groupby("region_code")["t"].max()
        nobody = set(most.index[most < 1e-9])
        assert len(nobody) == 22
        flagged = aviation[["aviation_estimated" in flags for flags in aviation["flags"]]]
        assert not nobody & set(flagged["region_code"])
        assert set(aviation.loc[~aviation.index.isin(flagged.index), "status"]) == {"observed"}
        assert set(flagged["status"]) == {"estimated"}

    def test_tierp_on_the_proxy(self, by_boundary):
        found = standing.evaluate_all(LINES[:1], by_boundary["2026a"], as_of=dt.date(2026, 5, 8))
        row = found[found["region_code"] == TIERP].iloc[0]
        assert row[["base_tco2e", "last_tco2e", "level_tco2e"]].astype(float).round(1).tolist() == [
            178_781.6,
            134_780.7,
            66_149.2,
        ]
        assert round(100 * row["required_annual_reduction_rate"], 1) == 11.2

    def test_what_the_eight_variants_are_worth(self, tables, by_boundary):
        held = derived.Held((tables["2026a"],), by_boundary["2026a"], (), {})
        found = derived.variant_worth(held, LINES, dt.date(2026, 5, 8)).set_index("target_id")
        line = found.loc["-55"]
        assert (line["municipality_count"], line["variants_n"], line["unanimous_count"]) == (290, 8, 192)
        assert round(line["independent_n"], 2) == 1.78
        assert found["independent_n"].between(1.0, 3.0).all()

    def test_rates_since_2020_and_since_2015(self, by_boundary):
        found = standing.evaluate_all(LINES[1:2], by_boundary["2026a"], as_of=dt.date(2026, 5, 8))
        own = municipal(found)
        assert set(own["achieved_from_year"]) == {2020}
        assert int((own["achieved_annual_reduction_rate"] < 0).sum()) == 247
        assert int((own["annual_reduction_since_2015"] < 0).sum()) == 31

    def test_the_nation_like_for_like(self, by_boundary):
        found = standing.evaluate_all(LINES[1:2], by_boundary["2026a"], as_of=dt.date(2026, 5, 8))
        nation = found[found["region_code"] == NATION].iloc[0]
        assert nation[["base_tco2e", "last_tco2e"]].astype(float).round(-3).tolist() == [43_193e3, 29_010e3]
        assert round(100 * (nation["last_tco2e"] / nation["base_tco2e"] - 1), 1) == -32.8
        assert nation["base_status"] == "proxy"
        assert set(municipal(found)["base_status"]) == {"estimated", "observed"}

    def test_below_minus_55_in_2023_and_in_2024(self, by_boundary):
        own = municipal(by_boundary["2026a"]["effort_sharing_proxy"])
        wide = own.pivot_table(index="region_code", columns="year", values="value_tco2e")
        assert int((wide[2023] <= 0.45 * wide[1990]).sum()) == 32
        assert int((wide[2024] <= 0.45 * wide[1990]).sum()) == 10

    @pytest.mark.parametrize(
        ("target_id", "expected"),
        [
            ("-63", (2, 7, 10, 7, 53, 211)),
            ("-55", (10, 28, 18, 13, 67, 154)),
            ("transport -70", (0, 3, 4, 1, 22, 260)),
        ],
    )
    def test_how_the_counts_change(self, by_boundary, target_id, expected):
        found = standing.evaluate_all(LINES, by_boundary["2026a"], as_of=dt.date(2026, 5, 8))
        statuses = ("below_level", "all_below", "most_below", "split", "few_below", "none_below")
        counts = municipal(found[found["target_id"] == target_id])["status"].value_counts()
        assert tuple(int(counts.get(status, 0)) for status in statuses) == expected


class TestCentre:
    def test_no_status_and_no_count_depends_on_the_central_variant(self, by_boundary, monkeypatch):
        anchored = standing.evaluate_all(LINES, by_boundary["2026a"], as_of=dt.date(2026, 5, 8))
        monkeypatch.setattr(trend, "CENTRAL_VARIANT", 0)
        monkeypatch.setattr(
            trend, "project_central", lambda *series_of_years: trend.central(trend.project(*series_of_years))
        )
        free = standing.evaluate_all(LINES, by_boundary["2026a"], as_of=dt.date(2026, 5, 8))
        moved = {name for name in anchored if not anchored[name].equals(free[name])}
        assert moved == {
            "central_tco2e",
            "gap_tco2e",
            "gap_pct_of_base",
            "hangs_on",
            "before_central_tco2e",
        }
        line_of_55 = municipal(anchored[anchored["target_id"] == "-55"])
        highest = line_of_55["central_tco2e"] >= line_of_55["spread_high_tco2e"] * (1 - 1e-12)
        assert highest.sum() == 189, "after 2024 the centre is the highest of the eight for most"


class TestThreeReleases:
    @pytest.mark.parametrize(
        ("old", "new", "changed"),
        [
            ("2021", "2025", {"-63": 290, "-55": 290, "transport -70": 290}),
            ("2025", "2026a", {"-63": 84, "-55": 143, "transport -70": 46}),
        ],
    )
    def test_every_changed_standing_is_split_and_the_parts_add_up(self, by_boundary, old, new, changed):
        steps = revisions.decompose_standings(
            LINES, by_boundary[old], by_boundary[new], as_of=dt.date(2026, 5, 8)
        )
        steps = municipal(steps).sort_values(["target_id", "region_code", "step_order"])
        assert len(steps) == 3 * 290 * 6
        first, last = (steps[steps["step_order"] == at].reset_index(drop=True) for at in (0, 5))
        moved = first["status"] != last["status"]
        assert moved.groupby(first["target_id"]).sum().to_dict() == changed
        assert (first.loc[moved, "cause"] != "unchanged").all()
        assert (first.loc[~moved, "cause"] == "unchanged").all()
        gaps = steps["gap_tco2e"].to_numpy().reshape(-1, 6)
        parts = steps["gap_part_tco2e"].to_numpy().reshape(-1, 6)
        known = ~np.isnan(gaps).any(axis=1)
        assert known.sum() == (3 * 290 if old == "2025" else 0), "the 2021 release alone has no trend"
        np.testing.assert_allclose(
            parts[known].sum(axis=1), gaps[known, 5] - gaps[known, 0], rtol=1e-9, atol=1e-6
        )

    def test_the_observed_change_of_every_municipality_adds_up(self, by_boundary):
        for old, new in (("2021", "2025"), ("2025", "2026a")):
            steps = municipal(
                revisions.decompose_change(
                    by_boundary[old]["territorial"], by_boundary[new]["territorial"], 1990
                )
            )
            changes = steps["change_pct"].to_numpy().reshape(-1, 6)
            parts = steps["part_points"].to_numpy().reshape(-1, 6)
            np.testing.assert_allclose(parts.sum(axis=1), changes[:, 5] - changes[:, 0], atol=1e-9)


class TestEveryChange:
    def test_national_and_own_part_add_up_for_every_region_and_pair_of_years(self, tables):
        for table in tables.values():
            found = change_parts.build_change_parts(table, change_parts.every_pair(table))
            pairs = len(table.years) * (len(table.years) - 1) // 2
            assert len(found) == pairs * 312 * 9
            found = found[found["region_code"] != NATION]
            change = found["last_tco2e"] - found["first_tco2e"]
            gap = change - found["national_part_tco2e"] - found["own_part_tco2e"]
            size = found[["first_tco2e", "last_tco2e"]].max(axis=1).clip(lower=1.0)
            assert (gap.abs() / size).max() < 1e-9


@pytest.fixture(scope="module")
def scores(tables):
    scored = nowcast.score_errors(nowcast.build_errors(list(tables.values())))
    return scored.set_index(["kind", "scope"])


class TestNowcast:
    def test_the_backtest_of_14_pairs(self, scores):
        row = scores.loc[("within_release", "all_sectors")]
        assert (row["pairs_n"], row["errors_n"]) == (14, 14 * 290)
        columns = ["nowcast_median_pct", "nowcast_p90_pct", "carried_median_pct", "carried_p90_pct"]
        np.testing.assert_allclose(row[columns].astype(float), [1.7, 7.4, 3.6, 11.4], atol=0.2)

    def test_where_there_is_a_local_signal_it_still_wins(self, scores):
        columns = ["nowcast_median_pct", "nowcast_p90_pct", "carried_median_pct", "carried_p90_pct"]
        shown = {
            "within_release": [1.75, 7.51, 3.64, 12.45],
            "real_vintage": [2.34, 9.01, 14.21, 21.16],
            "all": [1.78, 7.59, 3.93, 14.47],
        }
        for kind, figures in shown.items():
            row = scores.loc[(kind, "local_signal")]
            assert row[columns].astype(float).round(2).tolist() == figures, kind
        assert nowcast.is_shown(scores.reset_index())
        assert scores["is_better"].all()


@pytest.fixture(scope="module")
def backtested(by_boundary):
    return {
        boundary: backtest.build_backtest(series_of.to_matrix(by_boundary["2026a"][boundary]))
        for boundary in ("territorial", "effort_sharing_proxy")
    }


class TestBacktest:
    @staticmethod
    def named(frame: pd.DataFrame) -> pd.DataFrame:
        pairs = zip(frame["origin_year"], frame["outcome_year"], strict=True)
        return frame[[pair in backtest.NAMED_ORIGINS for pair in pairs]]

    def test_the_central_projection_beats_the_median_of_all_on_the_seven(self, backtested):
        for frame in backtested.values():
            compared = backtest.compare_with_central(self.named(frame)).set_index("variant_code")
            assert compared.loc["median_of_variants", ["origins_n", "better_n"]].tolist() == [7, 0]
            assert compared.loc["carried_forward", "better_n"] == 2, (
                "2024, when emissions rose nearly everywhere"
            )

    def test_no_projection_would_have_been_better_in_most_origins_on_either_boundary(self, backtested):
        for frame in backtested.values():
            assert set(frame["municipalities_n"]) == {290}, "every projection on the same municipalities"
            compared = backtest.compare_with_central(frame)
            assert set(compared["origins_n"]) == {15}
            assert not compared["is_better_in_most"].any()

    @pytest.mark.parametrize(
        ("boundary", "median_won", "p90_won"),
        [("territorial", 11, 13), ("effort_sharing_proxy", 13, 11)],
    )
    def test_what_made_the_anchored_rate_the_centre(self, backtested, boundary, median_won, p90_won):
        wide = backtested[boundary].pivot_table(
            index=["origin_year", "outcome_year"],
            columns="variant_code",
            values=["median_error_pct", "p90_error_pct"],
        )
        for measure, won in (("median_error_pct", median_won), ("p90_error_pct", p90_won)):
            free, anchored = wide[measure]["constant_rate_free"], wide[measure]["constant_rate_anchored"]
            np.testing.assert_array_equal(anchored, wide[measure][backtest.CENTRAL])
            assert (anchored == free).sum() == 0, "no ties"
            assert (anchored < free).sum() == won

    @pytest.mark.parametrize("boundary", ["territorial", "effort_sharing_proxy"])
    def test_the_anchored_rate_is_better_however_far_ahead(self, by_boundary, boundary):
        matrix = series_of.to_matrix(by_boundary["2026a"][boundary])
        for horizon in range(1, 11):
            frame = backtest.build_backtest(matrix, horizons=(horizon,))
            found = backtest.compare_with_central(frame).set_index("variant_code").loc["constant_rate_free"]
            assert 2 * found["better_n"] < found["origins_n"], horizon

    def test_the_record_of_verdicts_on_the_line_of_55(self, by_boundary):
        matrix = series_of.to_matrix(by_boundary["2026a"]["effort_sharing_proxy"])
        pooled = backtest.pool_record(backtest.build_record(LINES[1], matrix, 6)).set_index("status")
        assert pooled["verdicts_n"].sum() == 7 * 290
        assert pooled["came_true_pct"].round().astype(int).to_dict() == {
            "all_below": 66,
            "below_level": 96,
            "few_below": 29,
            "most_below": 44,
            "none_below": 8,
            "split": 40,
        }


class TestPeers:
    def test_tierp_is_alike_places_like_it(self, tables, real_data):
        population = pd.read_csv(real_data / "scb/population.csv", dtype={"region_code": str})
        inhabitants = population[population["year"] == 2024].set_index("region_code")["population"]
        found = peers.find_peers(peers.build_features(tables["2026a"], inhabitants.to_dict()))
        assert len(found) == 290 * 10
        own = found[found["region_code"] == TIERP]
        assert own["peer_region_code"].iloc[0] == code_for("Hallsberg")
        assert own["distance"].is_monotonic_increasing

    def test_who_did_it_better_leads_in_both_releases(self, tables):
        found = peers.find_examples(list(tables.values()))
        assert found.groupby("sector_code").size().to_dict() == {
            "agriculture": 27,
            "machinery": 5,
            "product_use": 28,
            "transport": 1,
            "waste": 19,
        }
        assert len(found) == 80
        assert (found["own_part_pct"] < 0).all()
        assert (found[["annual_reduction_rate", "earlier_annual_reduction_rate"]] > 0).all(axis=None), (
            "none rising"
        )

    @pytest.mark.parametrize("spread", [0.02, 0.1])
    def test_a_quiet_correction_brings_no_rising_example_and_few_new_ones(self, tables, spread):
        before = peers.find_examples(list(tables.values()))
        correction = revise_last_year(tables["2026a"], spread)
        after = peers.find_examples([*tables.values(), correction])
        assert (after[["annual_reduction_rate", "earlier_annual_reduction_rate"]] > 0).all(axis=None)
        assert len(after) <= 1.2 * len(before)
        assert set(after["earlier_last_year"]) == {2023}


def test_the_backtest_tables_of_the_methods_page_are_what_comes_out(backtested):
    page = (Path(__file__).parents[2] / "docs/methods.md").read_text(encoding="utf-8")
    for boundary, frame in backtested.items():
        table = page.split(f"`{boundary}`:\n", 1)[1].split("\n\n", 1)[0]
        rows = re.findall(r"^\| `(\w+)` \|(.+)\|$", table, re.MULTILINE)
        assert len(rows) == 10
        pairs = TestBacktest.named(frame).sort_values(["origin_year", "outcome_year"])
        every = backtest.compare_with_central(frame).set_index("variant_code")["better_n"]
        seven = backtest.compare_with_central(pairs).set_index("variant_code")["better_n"]
        for code, cells in rows:
            shown = [cell.strip() for cell in cells.split("|")]
            errors = pairs.loc[pairs["variant_code"] == code, "median_error_pct"]
            assert shown[:7] == [f"{error:.1f}" for error in errors], (boundary, code)
            if code != backtest.CENTRAL:
                assert shown[7:] == [str(seven[code]), str(every[code])], (boundary, code)
