"""The formulas on the real releases: Klimatkollen's published results and the regression facts.

Expected figures: ``klimatkollen/results_edition_2026a.csv`` and the regression facts of the methods
(release "2026a" is the first publication of May 2026, "2025" that of June 2025, "2021" of October 2021).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from klimatpuls import carbon_law, network, revisions, standing
from klimatpuls import series as series_of
from klimatpuls.regions import code_for, codes
from klimatpuls.series import ReleaseTable, build_release_table, build_series
from klimatpuls.sources import smhi_emissions
from klimatpuls.targets import Target

if TYPE_CHECKING:
    from pathlib import Path

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
        assert round(100 * row["required_annual_rate"], 1) == 10.9

    def test_national_and_own_part_since_2015(self, tables):
        total = network.sum_national_and_own(network.split_national_and_own(tables["2026a"], 2015, 2024))
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
        totals = {
            f"{name}_territorial": build_series(tables[release], "territorial")
            for name, release in (("old", "2025"), ("new", "2026a"))
        }
        as_of = dt.date(2026, 5, 8)
        steps = revisions.decompose_standing(LINES[1], old, new, as_of=as_of, **totals)
        whole = standing.evaluate(LINES[1], new, as_of=as_of, territorial=totals["new_territorial"])
        last = steps[steps["step"] == "new_data"]
        assert last["status"].tolist() == whole["status"].tolist()
        np.testing.assert_allclose(last["central_tco2e"], whole["central_tco2e"], rtol=0)


class TestRegressionFacts:
    def test_median_split_2020_to_2024(self, tables):
        total = network.sum_national_and_own(network.split_national_and_own(tables["2026a"], 2020, 2024))
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

    def test_own_heating_and_power_of_2024_are_scaled_nationally(self, tables):
        found = network.find_local_signal(tables["2026a"], 2023, 2024).set_index("sector_code")
        assert found.loc["own_heating", "near_nation_pct"] == 100.0
        assert round(found.loc["power_heat", "near_nation_pct"]) == 58
        assert set(found.index[found["scaled_nationally"]]) == {"own_heating", "power_heat"}

    def test_aviation_matters_in_114_municipalities(self, tables):
        table = tables["2021"]
        share = table.sector("transport.domestic_aviation") / table.sector("transport")
        rows = [table.region_codes.index(code) for code in MUNICIPALITIES]
        assert int((share[rows, -1] > 0.02).sum()) == 114
