"""Every gate on loaded rows: passes on a sound release, finds the one thing that is wrong in another."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import psycopg2
import pytest
from support.loading import load_facts, load_rejects

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import Parsed, content_sha256, release_id
from klimatpuls.domain import regions, sectors
from klimatpuls.errors import SourceFormatError, UsageError
from klimatpuls.validation.record import quarantine_snapshot, record_verdicts
from klimatpuls.validation.run import validate_run
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from klimatpuls.validation.gates import Gate, ReleaseVerdict

pytestmark = pytest.mark.postgres

YEARS = (2000, 2010, 2020, 2021)
TIERP, UPPSALA_COUNTY, NATION = "0360", "03", "00"
SUBSECTORS = ("transport.passenger_cars", "waste.landfills")
EMISSIONS = catalog.SOURCES["smhi_emissions"]
POPULATION = catalog.SOURCES["scb_population"]
DENSITY = catalog.SOURCES["scb_population_density"]
FILE_SHA256 = "f" * 64
EMPTY_REJECTS = pd.DataFrame(columns=["sheet_row", "column_name", "raw_value", "reason"])

Frame = pd.DataFrame


def emission_rows(
    years: tuple[int, ...] = YEARS, scale: Mapping[tuple[str, int], float] | None = None
) -> pd.DataFrame:
    """A sound release: sums hold, 1 % of transport is in no county, every cell is there once.

    Args:
        years: Its years.
        scale: (municipality, year) → factor on all its figures, before counties and nation are summed.
    """
    factors = scale or {}
    mains = sectors.main_codes()
    municipal = pd.DataFrame(
        [
            (
                region,
                sector,
                year,
                (10_000.0 + 7 * int(region) + 100 * place)
                * factors.get((region, year), 1.0)
                * swing(region, place, year),
            )
            for region in regions.codes("municipality")
            for place, sector in enumerate((*mains, *SUBSECTORS))
            for year in years
        ],
        columns=["region_code", "sector_code", "year", "emissions"],
    )
    municipal.loc[municipal["sector_code"].isin(SUBSECTORS), "emissions"] *= 0.5
    total = municipal[municipal["sector_code"].isin(mains)].groupby(["region_code", "year"], as_index=False)[
        "emissions"
    ]
    municipal = pd.concat([municipal, total.sum().assign(sector_code="all")])
    county = municipal.assign(region_code=municipal["region_code"].str[:2])
    keys = ["region_code", "sector_code", "year"]
    county = county.groupby(keys, as_index=False)["emissions"].sum()
    nation = county.assign(region_code=NATION).groupby(keys, as_index=False)["emissions"].sum()
    beyond = nation[nation["sector_code"] == "transport"].set_index("year")["emissions"] * 0.01
    with_beyond = nation["sector_code"].isin(["transport", "all"])
    nation.loc[with_beyond, "emissions"] += nation.loc[with_beyond, "year"].map(beyond)
    rows = pd.concat([nation, county, municipal], ignore_index=True)
    return rows.assign(sheet_row=rows.groupby(["sector_code", "region_code"], sort=False).ngroup() + 8)


def swing(region: str, place: int, year: int) -> float:
    """How a figure moves from year to year: every one by itself, by at most 5 percent."""
    return 1 + 0.05 * math.sin(int(region) * 12.9898 + place * 78.233 + year * 11.13)


def population_rows(years: tuple[int, ...]) -> pd.DataFrame:
    """A sound release of population: every region that existed, sums exact."""
    municipal = pd.DataFrame(
        [
            (code, year, round((1_000 + int(code)) * (1 + (swing(code, 0, year) - 1) / 5)))
            for code, region in regions.regions().items()
            for year in years
            if region.level == "municipality"
            and not (region.split_from and year < (region.population_from_year or 0))
        ],
        columns=["region_code", "year", "population_count"],
    )
    county = municipal.assign(region_code=municipal["region_code"].str[:2])
    county = county.groupby(["region_code", "year"], as_index=False)["population_count"].sum()
    nation = county.assign(region_code=NATION)
    nation = nation.groupby(["region_code", "year"], as_index=False)["population_count"].sum()
    rows = pd.concat([nation, county, municipal], ignore_index=True)
    return rows.assign(sheet_row=range(len(rows)))


def add(rows: Frame, region: str, sector: str, year: int, tonnes: float) -> Frame:
    """The rows with one cell raised."""
    cell = cell_of(rows, region, sector, year)
    changed = rows.copy()
    changed.loc[cell, "emissions"] += tonnes
    return changed


def put(rows: Frame, region: str, sector: str, year: int, tonnes: float) -> Frame:
    """The rows with one cell replaced."""
    changed = rows.copy()
    changed.loc[cell_of(rows, region, sector, year), "emissions"] = tonnes
    return changed


def cell_of(rows: Frame, region: str, sector: str, year: int) -> pd.Series:
    cell = (rows["region_code"] == region) & (rows["sector_code"] == sector) & (rows["year"] == year)
    assert cell.sum() == 1
    return cell


def value_of(rows: Frame, region: str, sector: str, year: int) -> float:
    return float(rows.loc[cell_of(rows, region, sector, year), "emissions"].iloc[0])


def add_at(rows: Frame, places: Mapping[str, float], sector_codes: tuple[str, ...], year: int) -> Frame:
    """The rows with cells of several regions raised in several sectors."""
    for region, tonnes in places.items():
        for sector in sector_codes:
            rows = add(rows, region, sector, year, tonnes)
    return rows


@dataclass
class Harness:
    """A warehouse with a hand for loading releases into it."""

    dsn: str
    docs_root: Path
    conn: Any = field(init=False)

    def __post_init__(self) -> None:
        self.conn = psycopg2.connect(self.dsn)

    def start_run(self, source: catalog.Source) -> int:
        with self.conn.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ops.source_run (source, origin, as_of_date, state)"
                " VALUES (%s, 'synthetic', '2026-11-23', 'running') RETURNING run_id",
                (source.id,),
            )
            (run_id,) = cursor.fetchone()
        return int(run_id)

    def load(self, *items: Parsed, source: catalog.Source = EMISSIONS, **overrides: Any) -> int:
        """Load releases as one source run; overrides go into the row of core.dim_release."""
        run_id = self.start_run(source)
        named = [(release_id(item), item) for item in items]
        load_facts(self.conn, run_id, named)
        with self.conn.cursor() as cursor:
            for name, item in named:
                substance = item.substance or "all"
                load_rejects(
                    self.conn,
                    run_id,
                    {"snapshot_sha256": FILE_SHA256, "dataset": item.dataset, "substance": substance},
                    item.rejects,
                )
                values = {
                    "release_id": name,
                    "source": source.id,
                    "dataset": item.dataset,
                    "substance": substance,
                    "unit": item.unit,
                    "gwp_set": None,
                    "published_date": item.published_date,
                    "known_from": item.published_date,
                    "retrieved_at": "2026-11-23T08:00:00Z",
                    "content_sha256": content_sha256(item),
                    "file_sha256": FILE_SHA256,
                    "years": list(item.years),
                    "row_count": len(item.rows),
                    "rejected_count": len(item.rejects),
                    "notes": [],
                    "origin": "synthetic",
                    "run_id": run_id,
                }
                cursor.execute(load_sql("write/insert_release.sql"), {**values, **overrides})
        self.conn.commit()
        return run_id

    def emissions(self, rows: Frame, *, published: str = "2026-05-07", **options: Any) -> int:
        return self.load(emission_release(rows, published=published), **options)

    def population(self, rows: Frame, *, dataset: str = "scb_population") -> int:
        return self.load(population_release(rows, dataset=dataset), source=catalog.source_of(dataset))

    def set_state(self, run_id: int, state: str) -> None:
        with self.conn.cursor() as cursor:
            cursor.execute("UPDATE core.dim_release SET state = %s WHERE run_id = %s", (state, run_id))
        self.conn.commit()

    def validate(self, run_id: int, source: catalog.Source = EMISSIONS) -> list[ReleaseVerdict]:
        return validate_run(self.dsn, run_id, source=source, origin="synthetic", docs_root=self.docs_root)

    def verdict(self, run_id: int, source: catalog.Source = EMISSIONS) -> ReleaseVerdict:
        (verdict,) = self.validate(run_id, source)
        return verdict

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.conn.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())


def emission_release(
    rows: Frame, *, published: str = "2026-05-07", substance: str = "ghg", rejects: Frame = EMPTY_REJECTS
) -> Parsed:
    return Parsed(
        dataset="smhi_emissions",
        substance=substance,
        unit="ton/år",
        published_date=date.fromisoformat(published),
        years=tuple(sorted(set(rows["year"]))),
        rows=rows,
        rejects=rejects,
        rows_read=len(rows) + len(rejects),
    )


def population_release(rows: Frame, *, dataset: str = "scb_population") -> Parsed:
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="personer",
        published_date=date(2026, 2, 22),
        years=tuple(sorted(set(rows["year"]))),
        rows=rows,
        rejects=EMPTY_REJECTS,
        rows_read=len(rows),
    )


def rejects(reason: str) -> Frame:
    return pd.DataFrame([(977, "2024", "saknas", reason)], columns=EMPTY_REJECTS.columns)


def gate(verdict: ReleaseVerdict, rule: str) -> Gate:
    (found,) = [gate for gate in verdict.gates if gate.rule == rule]
    return found


def failed_rules(verdict: ReleaseVerdict) -> list[str]:
    return [gate.rule for gate in verdict.failed]


@pytest.fixture
def harness(warehouse: Any, tmp_path: Path) -> Any:
    opened = Harness(warehouse.loader_dsn, tmp_path / "validation")
    yield opened
    opened.conn.close()


@pytest.fixture(scope="module")
def sound() -> Frame:
    return emission_rows()


def test_a_sound_release_is_published_with_every_margin(harness: Harness, sound: Frame) -> None:
    verdict = harness.verdict(harness.emissions(sound))

    assert verdict.verdict == "publish"
    assert failed_rules(verdict) == []
    assert gate(verdict, "unallocated_sector_wide").measured == pytest.approx(100 * 0.01 / 1.01)
    assert gate(verdict, "unallocated_high").margin > 1
    assert gate(verdict, "subsector_sum").measured < 0
    measured = {gate.rule for gate in verdict.gates if gate.measured is not None}
    assert {gate.rule for gate in verdict.gates} - measured == {
        "hold_ratio",
        "hold_moved",
        "inventory",
        "inventory_far",
        # Nobody is far enough from their own figures to be looked for among the others'.
        "new_year_swapped",
    }
    assert gate(verdict, "hold_ratio").message_sv.endswith(
        "ingen tidigare utgåva med gemensamma år att jämföra med."
    )


def missing_cell(rows: Frame) -> Frame:
    return rows[~cell_of(rows, TIERP, "waste.landfills", 2020)]


def raise_waste_of_the_nation(rows: Frame) -> Frame:
    return add_at(rows, {NATION: value_of(rows, NATION, "waste", 2020) * 0.01}, ("waste", "all"), 2020)


def raise_transport_of_the_nation(rows: Frame) -> Frame:
    return add_at(
        rows, {NATION: value_of(rows, NATION, "transport", 2020) * 0.02}, ("transport", "all"), 2020
    )


def lower_the_nation(rows: Frame) -> Frame:
    return add_at(
        rows, {NATION: -value_of(rows, NATION, "transport", 2020) * 0.02}, ("transport", "all"), 2020
    )


def collapse_in_tierp(rows: Frame) -> Frame:
    fall = 400.0 - value_of(rows, TIERP, "industry", 2010)
    return add_at(rows, {TIERP: fall, UPPSALA_COUNTY: fall, NATION: fall}, ("industry", "all"), 2010)


def international_transport_from_2020(rows: Frame) -> Frame:
    changed = rows.copy()
    early = (rows["sector_code"] == "international_transport") & (rows["year"] < 2020)
    gone = rows[early].set_index(["region_code", "year"])["emissions"]
    total = (rows["sector_code"] == "all") & (rows["year"] < 2020)
    places = pd.MultiIndex.from_frame(rows.loc[total, ["region_code", "year"]])
    changed.loc[total, "emissions"] -= gone.reindex(places).to_numpy()
    changed.loc[early, "emissions"] = 0.0
    return changed


BROKEN: dict[str, tuple[str, str, Callable[[Frame], Frame], float]] = {
    # rule: (verdict, message part, what is broken, measured)
    "known_codes": (
        "quarantine",
        "9999",
        lambda rows: pd.concat([rows, rows[rows["region_code"] == TIERP].assign(region_code="9999")]),
        4 * 12,
    ),
    "complete_areas": ("quarantine", "Tierp", lambda rows: rows[rows["region_code"] != TIERP], 1),
    "complete_sectors": ("quarantine", "Avfall", lambda rows: rows[rows["sector_code"] != "waste"], 1),
    "complete_cells": ("quarantine", "Tierp (Avfallsdeponier: 2020)", missing_cell, 1),
    "not_negative": (
        "quarantine",
        "Tierp",
        lambda rows: put(rows, TIERP, "waste.landfills", 2020, -1.5),
        -1.5,
    ),
    "sector_sum": ("quarantine", "Tierp", lambda rows: add(rows, TIERP, "all", 2020, 0.75), 0.75),
    "county_sum": (
        "quarantine",
        "Uppsala län (Avfallsdeponier: 2020)",
        lambda rows: add(rows, TIERP, "waste.landfills", 2020, 6.5),
        6.5,
    ),
    "unallocated_low": ("quarantine", "Riket", lower_the_nation, -1.0),
    "unallocated_high": (
        "quarantine",
        "Riket (Alla sektorer: 2020)",
        lambda rows: add_at(
            rows, {NATION: value_of(rows, NATION, "all", 2020) * 0.03}, ("transport", "all"), 2020
        ),
        3.0,
    ),
    "unallocated_sector": (
        "publish_with_warnings",
        "Riket (Avfall (inklusive avlopp): 2020)",
        raise_waste_of_the_nation,
        100 * 0.01 / 1.01,
    ),
    "unallocated_sector_wide": (
        "publish_with_warnings",
        "Riket (Transporter: 2020)",
        raise_transport_of_the_nation,
        2.9,
    ),
    "subsector_sum": (
        "publish_with_warnings",
        "Tierp",
        lambda rows: add_at(
            rows, {TIERP: 20_000.0, UPPSALA_COUNTY: 20_000.0, NATION: 20_000.0}, ("waste.landfills",), 2020
        ),
        0.0,
    ),
    "sector_collapse": (
        "publish_with_warnings",
        "Tierp (Industri (energi och processer): 2010)",
        collapse_in_tierp,
        3.1,
    ),
    "scope_break": (
        "publish_with_warnings",
        "Riket (Utrikes transporter: 2020)",
        international_transport_from_2020,
        1,
    ),
}


MUNICIPALITIES = regions.codes("municipality")

# share of the municipalities, factor on all their figures, gates that ask a person, what the first measures
UNLIKE: dict[str, tuple[float, float, list[str], float | None]] = {
    "doubled": (0.02, 2.1, ["hold_ratio"], 100 * 6 / 290),
    "halved": (0.02, 0.4, ["hold_ratio"], 100 * 6 / 290),
    "nearly doubled": (0.02, 1.9, [], None),
    "few tripled": (0.007, 3.0, [], None),
    "many moved": (0.4, 1.06, ["hold_moved"], 40.0),
    "many moved a little": (0.4, 1.04, [], None),
    "some moved": (0.2, 1.06, [], None),
}


def scaled(share: float, factor: float) -> Frame:
    chosen = MUNICIPALITIES[: round(len(MUNICIPALITIES) * share)]
    return emission_rows(scale={(region, year): factor for region in chosen for year in YEARS})


@pytest.fixture(scope="module")
def evaluated(
    cluster: Any, warehouse_template: str, tmp_path_factory: pytest.TempPathFactory, sound: Frame
) -> dict[str, ReleaseVerdict]:
    """Verdicts on all releases of BROKEN (ghg) and UNLIKE (co2), loaded and evaluated as one run."""
    admin = cluster.connect()
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE gates_broken TEMPLATE {warehouse_template}")
    admin.close()
    harness = Harness(cluster.dsn("gates_broken"), tmp_path_factory.mktemp("docs"))
    before = harness.load(emission_release(sound, published="2020-01-01", substance="co2"))
    harness.set_state(before, "published")
    releases = {
        name: emission_release(damage(sound), published=f"2026-05-{day:02}")
        for day, (name, (_, _, damage, _)) in enumerate(BROKEN.items(), start=1)
    } | {
        name: emission_release(scaled(share, factor), published=f"2026-06-{day:02}", substance="co2")
        for day, (name, (share, factor, _, _)) in enumerate(UNLIKE.items(), start=1)
    }
    names = {release_id(item): name for name, item in releases.items()}
    verdicts = harness.validate(harness.load(*releases.values()))
    harness.conn.close()
    return {names[verdict.release_id]: verdict for verdict in verdicts}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_release_is_caught_by_its_gate(evaluated: dict[str, ReleaseVerdict], rule: str) -> None:
    expected, place, _, measured = BROKEN[rule]

    verdict = evaluated[rule]

    assert verdict.verdict == expected
    found = gate(verdict, rule)
    assert not found.passed
    assert place in found.message_sv
    assert 1 <= len(found.sample) <= 10
    assert found.finding_count >= len(found.sample)
    if rule in {"unallocated_low", "subsector_sum"}:  # in tonnes of the whole nation or of a county
        assert found.measured is not None
        assert (found.measured > found.limit) == (rule == "subsector_sum")
    else:
        assert found.measured == pytest.approx(measured, rel=0.05)
    if expected == "publish_with_warnings":
        assert failed_rules(verdict) == [rule]


@pytest.mark.parametrize("case", UNLIKE)
def test_a_release_unlike_the_one_before_waits_for_a_person(
    evaluated: dict[str, ReleaseVerdict], case: str
) -> None:
    _, _, held_by, measured = UNLIKE[case]

    verdict = evaluated[case]

    assert failed_rules(verdict) == held_by
    assert verdict.verdict == ("hold" if held_by else "publish")
    assert verdict.compared_with is not None
    assert verdict.compared_with.startswith("smhi_emissions-co2-2020-01-01-")
    if held_by:
        assert gate(verdict, held_by[0]).measured == pytest.approx(measured)
        assert verdict.compared_with in gate(verdict, held_by[0]).message_en


def test_a_finding_names_its_cell_in_the_sheet(harness: Harness, sound: Frame) -> None:
    rows = add(sound, TIERP, "all", 2020, 0.75)
    sheet_row = int(rows.loc[cell_of(rows, TIERP, "all", 2020), "sheet_row"].iloc[0])

    found = gate(harness.verdict(harness.emissions(rows)), "sector_sum")

    assert [
        (row["sheet_row"], row["region_code"], row["sector_code"], row["year"]) for row in found.sample
    ] == [(sheet_row, TIERP, "all", 2020)]
    assert found.sample[0]["found"] - found.sample[0]["expected"] == pytest.approx(0.75)


def test_more_than_ten_findings_are_counted_and_ten_are_kept(harness: Harness, sound: Frame) -> None:
    rows = sound.copy()
    rows.loc[rows["sector_code"] == "waste.landfills", "emissions"] *= -1

    found = gate(harness.verdict(harness.emissions(rows)), "not_negative")

    assert found.finding_count == 312 * len(YEARS)
    assert len(found.sample) == 10
    assert [row["sheet_row"] for row in found.sample] == sorted(row["sheet_row"] for row in found.sample)


def test_what_is_no_number_is_quarantined_and_can_be_recorded(harness: Harness, sound: Frame) -> None:
    verdict = harness.verdict(harness.emissions(put(sound, TIERP, "waste.landfills", 2020, float("inf"))))
    record_verdicts(harness.conn, [verdict])
    harness.conn.commit()

    assert verdict.verdict == "quarantine"
    assert gate(verdict, "not_negative").sample[0]["found"] == "inf"
    assert harness.ask("SELECT verdict FROM ops.validation") == [("quarantine",)]


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [("expected: the municipality did not exist yet", "publish"), ("not a number", "quarantine")],
)
def test_a_refused_cell_is_a_finding_unless_it_was_expected(
    harness: Harness, sound: Frame, reason: str, verdict: str
) -> None:
    found = harness.verdict(harness.load(emission_release(sound, rejects=rejects(reason))))

    assert found.verdict == verdict
    if verdict == "quarantine":
        (row,) = gate(found, "rejected_cells").sample
        assert (row["sheet_row"], row["column_name"], row["raw_value"]) == (977, "2024", "saknas")


@pytest.mark.parametrize("overrides", [{"row_count": 14_975}, {"rejected_count": 2}])
def test_rows_in_are_rows_out(harness: Harness, sound: Frame, overrides: dict[str, int]) -> None:
    assert len(sound) == 14_976

    verdict = harness.verdict(harness.emissions(sound, **overrides))

    assert failed_rules(verdict) == ["row_count"]
    assert verdict.verdict == "quarantine"


def test_a_declared_year_without_rows_is_a_gap(harness: Harness, sound: Frame) -> None:
    verdict = harness.verdict(harness.emissions(sound, years=[*YEARS, 2022]))

    assert gate(verdict, "complete_cells").finding_count == 312 * 12


@pytest.mark.parametrize(("year", "rules"), [(1967, ["years"]), (2027, ["release_date", "years"])])
def test_a_year_no_figure_can_be_about_is_found(harness: Harness, year: int, rules: list[str]) -> None:
    verdict = harness.verdict(harness.emissions(emission_rows(years=(2020, year)), published="2026-05-07"))

    assert failed_rules(verdict) == rules
    assert {row["year"] for row in gate(verdict, "years").sample} == {year}


def test_a_fault_of_the_table_itself_is_about_all_releases_of_the_run(harness: Harness, sound: Frame) -> None:
    below = sound.assign(sheet_row=sound["sheet_row"] - 100)
    run_id = harness.load(emission_release(sound), emission_release(below, substance="co2"))

    verdicts = harness.validate(run_id)

    assert [failed_rules(verdict) for verdict in verdicts] == [["columns"], ["columns"]]
    assert gate(verdicts[0], "columns").sample[0]["column_name"] == "sheet_row"


def test_what_was_zero_before_is_left_out_of_the_comparison(harness: Harness, sound: Frame) -> None:
    none_before = emission_rows(
        scale={(region, year): 0.0 for region in MUNICIPALITIES[:29] for year in YEARS}
    )
    before = harness.emissions(none_before, published="2025-05-06")
    harness.set_state(before, "published")

    verdict = harness.verdict(harness.emissions(sound))

    assert gate(verdict, "hold_ratio").measured == 0.0
    assert gate(verdict, "hold_moved").measured == 0.0


def test_the_comparison_takes_the_nearest_earlier_date_whatever_the_order_of_loading(
    harness: Harness, sound: Frame
) -> None:
    newest = harness.emissions(sound, published="2026-05-07")
    harness.set_state(newest, "published")
    oldest = harness.emissions(scaled(0.01, 1.01), published="2021-10-14")
    assert harness.verdict(oldest).compared_with is None
    harness.set_state(oldest, "validated")
    withdrawn = harness.emissions(scaled(0.02, 1.01), published="2024-05-01")
    harness.set_state(withdrawn, "withdrawn")
    other_substance = harness.load(emission_release(sound, published="2024-06-01", substance="co2"))
    harness.set_state(other_substance, "published")

    verdict = harness.verdict(harness.emissions(scaled(0.03, 1.01), published="2025-05-06"))

    assert verdict.compared_with is not None
    assert verdict.compared_with.startswith("smhi_emissions-ghg-2021-10-14-")


def test_no_year_in_common_leaves_nothing_to_compare(harness: Harness, sound: Frame) -> None:
    before = harness.emissions(emission_rows(years=(1990, 1995)), published="2025-05-06")
    harness.set_state(before, "published")

    verdict = harness.verdict(harness.emissions(sound))

    assert verdict.compared_with is not None
    assert gate(verdict, "hold_moved").measured is None
    assert gate(verdict, "hold_moved").passed


def test_each_release_of_a_run_has_its_own_verdict(harness: Harness, sound: Frame) -> None:
    broken = add(sound, TIERP, "all", 2020, 0.75)
    run_id = harness.load(emission_release(sound), emission_release(broken, substance="co2"))

    verdicts = {verdict.substance: verdict for verdict in harness.validate(run_id)}

    assert verdicts["ghg"].verdict == "publish"
    assert verdicts["co2"].verdict == "quarantine"
    assert gate(verdicts["ghg"], "sector_sum").measured == pytest.approx(0.0, abs=1e-6)


def test_a_run_without_a_loaded_release_has_no_verdict(harness: Harness, sound: Frame) -> None:
    run_id = harness.emissions(sound)
    harness.set_state(run_id, "published")

    assert harness.validate(run_id) == []
    assert not harness.docs_root.exists()


def test_the_pages_open_offline_and_hold_the_margins(harness: Harness, sound: Frame) -> None:
    run_id = harness.emissions(add(sound, TIERP, "all", 2020, 0.75))

    verdict = harness.verdict(run_id)

    folder = harness.docs_root / f"run-{run_id}"
    assert verdict.docs_path == str(folder)
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert not [
        mark for mark in ("http://", "https://", "<script", "<link", "@import", "src=") if mark in page
    ]
    assert "0.75\u00a0t" in page
    assert "Tierp" in page
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert result["success"] is False


@pytest.mark.parametrize(
    ("damage", "state"),
    [(lambda rows: rows, "validated"), (lambda rows: add(rows, TIERP, "all", 2020, 1.0), "quarantined")],
)
def test_a_recorded_verdict_moves_the_release_on(
    harness: Harness, sound: Frame, damage: Callable[[Frame], Frame], state: str
) -> None:
    verdict = harness.verdict(harness.emissions(damage(sound)))

    record_verdicts(harness.conn, [verdict])
    harness.conn.commit()

    assert harness.ask("SELECT state FROM core.dim_release") == [(state,)]
    assert harness.ask("SELECT release_id, verdict, snapshot_sha256 FROM ops.validation") == [
        (verdict.release_id, verdict.verdict, FILE_SHA256)
    ]
    gates = harness.ask("SELECT rule, passed, measured, limit_value, sample FROM ops.validation_gate")
    assert {row[0] for row in gates} == {gate.rule for gate in verdict.gates}
    stored = {row[0]: row for row in gates}["sector_sum"]
    assert stored[3] == 0.5
    assert stored[1] is (state == "validated")
    assert len(stored[4]) == gate(verdict, "sector_sum").finding_count


def test_a_verdict_comes_once(harness: Harness, sound: Frame) -> None:
    verdict = harness.verdict(harness.emissions(sound))
    record_verdicts(harness.conn, [verdict])
    harness.conn.commit()

    with pytest.raises(UsageError, match="not in state loaded any more"):
        record_verdicts(harness.conn, [verdict])
    harness.conn.rollback()

    assert harness.ask("SELECT count(*) FROM ops.validation") == [(1,)]


def test_bytes_that_could_not_be_read_are_quarantined_with_their_findings(harness: Harness) -> None:
    run_id = harness.start_run(EMISSIONS)
    error = SourceFormatError(
        "smhi_emissions: no header row", rule="header_not_found", findings=["row 1: <!doctype html>"]
    )

    quarantine_snapshot(harness.conn, run_id, "smhi_emissions", "ghg", FILE_SHA256, error)
    harness.conn.commit()

    assert harness.ask(
        "SELECT v.verdict, v.release_id, g.rule, g.severity, g.passed, g.finding_count, g.sample"
        " FROM ops.validation AS v JOIN ops.validation_gate AS g USING (validation_id)"
    ) == [
        (
            "quarantine",
            None,
            "header_not_found",
            "hard",
            False,
            1,
            [{"sheet_row": None, "reason": "row 1: <!doctype html>"}],
        )
    ]


def test_population_before_a_split_may_lack_the_child(harness: Harness) -> None:
    rows = population_rows((1990, 2001, 2024))
    assert not ((rows["region_code"] == "0330") & (rows["year"] == 2001)).any()  # Knivsta, from 2002

    verdict = harness.verdict(harness.population(rows), POPULATION)

    assert verdict.verdict == "publish"
    assert gate(verdict, "population_sum").measured == 0.0
    assert gate(verdict, "population_sum_noise").measured is None


def raise_nation(rows: Frame, persons: int) -> Frame:
    changed = rows.copy()
    changed.loc[changed["region_code"] == NATION, "population_count"] += persons
    return changed


@pytest.mark.parametrize(
    ("damage", "rule", "verdict"),
    [
        (lambda rows: rows.assign(year=rows["year"] + 3), "population_years", "quarantine"),
        (lambda rows: rows[rows["region_code"] != TIERP], "population_complete", "quarantine"),
        (
            lambda rows: rows.assign(region_code=rows["region_code"].replace(TIERP, "9999")),
            "population_known_codes",
            "quarantine",
        ),
        (
            lambda rows: rows.assign(
                population_count=rows["population_count"].where(rows["region_code"] != TIERP, 0)
            ),
            "population_positive",
            "quarantine",
        ),
        (lambda rows: raise_nation(rows, 1), "population_sum", "quarantine"),
    ],
)
def test_broken_population_is_caught(
    harness: Harness, damage: Callable[[Frame], Frame], rule: str, verdict: str
) -> None:
    found = harness.verdict(harness.population(damage(population_rows((2023, 2024)))), POPULATION)

    assert rule in failed_rules(found)
    assert found.verdict == verdict


@pytest.mark.parametrize(("persons", "verdict"), [(900, "publish"), (60_000, "publish_with_warnings")])
def test_noise_in_population_is_borne_up_to_one_percent(harness: Harness, persons: int, verdict: str) -> None:
    rows = raise_nation(population_rows((2025,)), persons)

    found = harness.verdict(harness.population(rows, dataset="scb_population_ckm"), POPULATION)

    assert found.verdict == verdict
    nation = int(rows.loc[rows["region_code"] == NATION, "population_count"].iloc[0])
    assert gate(found, "population_sum_noise").measured == pytest.approx(100 * persons / nation, abs=1e-6)
    assert gate(found, "population_sum").measured is None


@pytest.mark.parametrize(
    ("persons", "verdict"), [(0, "publish"), (20, "publish"), (21, "publish_with_warnings"), (-21, None)]
)
def test_two_tables_of_population_may_differ_by_noise_alone(
    harness: Harness, persons: int, verdict: str | None
) -> None:
    rows = population_rows((2025,))
    first = harness.population(rows, dataset="scb_population_ckm")
    harness.set_state(first, "published")
    other = rows.copy()
    other.loc[other["region_code"] == TIERP, "population_count"] += persons

    found = harness.verdict(harness.population(other, dataset="scb_population_density"), DENSITY)

    compared = gate(found, "population_cross_check")
    assert found.verdict == (verdict or "publish_with_warnings")
    assert compared.measured == abs(persons)
    assert [finding["region_code"] for finding in compared.sample] == ([TIERP] if abs(persons) > 20 else [])


@pytest.mark.parametrize("state", ["loaded", "withdrawn", "rejected"])
def test_a_table_that_did_not_pass_is_nothing_to_compare_with(harness: Harness, state: str) -> None:
    harness.set_state(harness.population(population_rows((2025,)), dataset="scb_population_ckm"), state)
    found = harness.verdict(
        harness.population(population_rows((2025,)), dataset="scb_population_density"), DENSITY
    )
    assert gate(found, "population_cross_check").measured is None


def test_other_years_are_nothing_to_compare_with(harness: Harness) -> None:
    harness.set_state(harness.population(population_rows((2024,))), "published")
    found = harness.verdict(
        harness.population(population_rows((2025,)), dataset="scb_population_density"), DENSITY
    )
    assert gate(found, "population_cross_check").measured is None


def test_both_population_tables_of_a_run_are_evaluated(harness: Harness) -> None:
    run_id = harness.load(
        population_release(population_rows((2023, 2024))),
        population_release(population_rows((2025,)), dataset="scb_population_ckm"),
        source=POPULATION,
    )

    verdicts = harness.validate(run_id, POPULATION)

    assert [(verdict.dataset, verdict.verdict) for verdict in verdicts] == [
        ("scb_population", "publish"),
        ("scb_population_ckm", "publish"),
    ]


def inventory_release(rows: Mapping[int, float]) -> Parsed:
    """The nation's total of all greenhouse gases by the national inventory, tonnes by year."""
    frame = pd.DataFrame(
        [("ghg", "total", year, tonnes) for year, tonnes in rows.items()],
        columns=["substance", "sector_code", "year", "emissions_tco2e"],
    )
    return Parsed(
        dataset="scb_national_emissions",
        substance=None,
        unit="kt",
        published_date=date(2025, 12, 16),
        years=tuple(rows),
        rows=frame.assign(sheet_row=range(len(frame))),
        rejects=EMPTY_REJECTS,
        rows_read=len(frame),
    )


def territorial(rows: Frame, year: int) -> float:
    return value_of(rows, NATION, "all", year) - value_of(rows, NATION, "international_transport", year)


@pytest.mark.parametrize(("off", "verdict"), [(1.04, "publish"), (1.08, "hold")])
def test_the_nation_is_held_against_an_inventory_of_any_vintage(
    harness: Harness, sound: Frame, off: float, verdict: str
) -> None:
    # Its last year is another one than the release's: an inventory of another submission, good for this rule.
    inventory = inventory_release({2021: territorial(sound, 2021) * off, 2022: 1.0})
    held = harness.load(inventory, source=catalog.SOURCES["scb_national_emissions"])
    harness.set_state(held, "published")

    found = harness.verdict(harness.emissions(sound))

    assert found.verdict == verdict
    measured = gate(found, "inventory_far")
    assert measured.measured == pytest.approx(100 * (1 - 1 / off), abs=1e-5)
    assert gate(found, "inventory").measured is None
    if verdict == "hold":
        assert failed_rules(found) == ["inventory_far"]
        assert (measured.sample[0]["year"], measured.sample[0]["region_name"]) == (2021, "Riket")


def test_a_few_figures_are_no_year_over_again(harness: Harness) -> None:
    """The nation's total alone is every other year's times some factor, and says nothing by it."""
    inventory = inventory_release({2022: 45e6, 2023: 44e6, 2024: 47e6})

    found = harness.verdict(
        harness.load(inventory, source=catalog.SOURCES["scb_national_emissions"]),
        catalog.SOURCES["scb_national_emissions"],
    )

    assert failed_rules(found) == []
    assert gate(found, "fact_new_year").measured == 0.0
    assert gate(found, "fact_new_year_uniform").measured is None


def test_only_years_that_the_release_before_lacks_are_new(harness: Harness, sound: Frame) -> None:
    """What was published once is not asked about again, however odd it is."""
    odd = emission_rows(scale={(region, 2021): 2.5 for region in MUNICIPALITIES})
    first = harness.verdict(harness.emissions(odd, published="2025-05-06"))
    assert {"new_year_nation", "new_year_county", "new_year_municipal"} <= set(failed_rules(first))
    harness.set_state(first.run_id, "published")

    again = harness.verdict(harness.emissions(add(odd, TIERP, "waste.landfills", 2020, 1.0)))

    assert failed_rules(again) == []
    assert gate(again, "new_year_nation").measured is None
    assert "inget nytt år" in gate(again, "new_year_nation").message_sv


def test_a_held_new_year_says_what_to_do_in_both_languages(harness: Harness, sound: Frame) -> None:
    doubled = emission_rows(scale={(region, 2021): 2.0 for region in MUNICIPALITIES})

    found = gate(harness.verdict(harness.emissions(doubled)), "new_year_nation")

    assert found.message_sv.endswith("godkänn om utgivaren bekräftar det nya året, avvisa annars.")
    assert found.message_en.endswith("approve if the publisher confirms the new year, else reject.")
    (row,) = found.sample
    assert row["found"] / row["expected"] == pytest.approx(2.0, rel=0.02)
    assert row["reason"] == "mot/against 2020"


@pytest.mark.parametrize("state", ["validated", "held", "published", "withdrawn", "quarantined", "rejected"])
def test_the_second_of_one_day_is_held_and_nothing_that_was_refused_counts(
    harness: Harness, sound: Frame, state: str
) -> None:
    first = harness.emissions(sound)
    harness.set_state(first, state)
    other_day = harness.emissions(scaled(0.01, 1.01), known_from="2026-06-01")
    assert failed_rules(harness.verdict(other_day)) == [], "retrieved later: it is the correction"

    second = harness.verdict(harness.emissions(scaled(0.02, 1.01)))

    counts = state not in {"quarantined", "rejected"}
    assert failed_rules(second) == (["same_day"] if counts else [])
    assert second.verdict == ("hold" if counts else "publish")
    if counts:
        ((first_id,),) = harness.ask(f"SELECT release_id FROM core.dim_release WHERE run_id = {first}")
        assert first_id in str(gate(second, "same_day").sample[0]["reason"])
        assert "--older" in gate(second, "same_day").message_sv


def test_two_of_one_day_that_were_loaded_together_are_both_held(harness: Harness, sound: Frame) -> None:
    verdicts = harness.validate(
        harness.load(emission_release(sound), emission_release(scaled(0.01, 1.01)), source=EMISSIONS)
    )
    assert [(failed_rules(verdict), verdict.verdict) for verdict in verdicts] == [(["same_day"], "hold")] * 2


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("2026-11-24", None),
        ("2026-11-25", "senast/at the latest 2026-11-24"),
        ("2021-12-31", None),
        ("2021-12-30", "tidigast/at the earliest 2021-12-31"),
    ],
)
def test_a_date_that_cannot_be_is_held(
    harness: Harness, sound: Frame, published: str, expected: str | None
) -> None:
    found = gate(harness.verdict(harness.emissions(sound, published=published)), "release_date")

    assert [row["expected"] for row in found.sample] == ([] if expected is None else [expected])
    if expected is not None:
        assert found.sample[0]["found"] == published


def test_population_in_a_new_table_continues_the_old_one(harness: Harness) -> None:
    old = population_rows((2023, 2024))
    doubled = population_rows((2025,))
    doubled["population_count"] *= 2
    run_id = harness.load(
        population_release(old),
        population_release(doubled, dataset="scb_population_ckm"),
        source=POPULATION,
    )

    verdicts = {verdict.dataset: verdict for verdict in harness.validate(run_id, POPULATION)}

    assert verdicts["scb_population"].verdict == "publish"
    assert failed_rules(verdicts["scb_population_ckm"]) == ["population_continued"]
