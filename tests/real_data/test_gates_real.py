"""What the gates measure on the four real workbooks and on real population: the figures of docs/methods.md.

Every measured value below was published by SMHI and Naturvårdsverket (Nationella emissionsdatabasen, the
editions of 2021-10-14, 2024-04-18, 2025 and May 2026) or by SCB (population on 31 December).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from psycopg2 import sql
from support.loading import load_facts, load_rejects

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import Parsed, content_sha256, release_id
from klimatpuls.sources import smhi_emissions
from klimatpuls.validation.gates import explain
from klimatpuls.validation.record import record_verdicts
from klimatpuls.validation.run import validate_run
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from pathlib import Path

    from klimatpuls.local.postgres import Cluster
    from klimatpuls.validation.gates import Gate, ReleaseVerdict

pytestmark = [pytest.mark.real_data, pytest.mark.postgres]

# In the order of publication, which is the order the hold gates compare in.
EDITIONS = {
    "2021": ("GGT_edition_2021-10-14.xlsx", "ghg"),
    "co2_2024": ("CO2_edition_2024-04-18.xlsx", "co2"),
    "2025": ("GGT_edition_2025.xlsx", "ghg"),
    "2026a": ("GGT_edition_2026a.xlsx", "ghg"),
}
WASTE_YEARS = [2005, 2018, 2019, 2020, 2021, 2022]


@dataclass(frozen=True)
class Evaluated:
    """The verdicts on the real figures, and the processor time each took in this process, seconds."""

    verdicts: dict[str, ReleaseVerdict]
    seconds: dict[str, float]


def load(conn: Any, source: catalog.Source, parsed: Parsed) -> int:
    """Load one release as a source run of its own."""
    name, substance = release_id(parsed), parsed.substance or "all"
    snapshot = {"snapshot_sha256": "f" * 64, "dataset": parsed.dataset, "substance": substance}
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ops.source_run (source, origin, as_of_date, state)"
            " VALUES (%s, 'archive', %s, 'running') RETURNING run_id",
            (source.id, parsed.published_date),
        )
        (run_id,) = cursor.fetchone()
        load_facts(conn, run_id, [(name, parsed)])
        load_rejects(conn, run_id, snapshot, parsed.rejects)
        cursor.execute(
            load_sql("write/insert_release.sql"),
            {
                "release_id": name,
                "source": source.id,
                "dataset": parsed.dataset,
                "substance": substance,
                "unit": parsed.unit,
                "gwp_set": parsed.gwp_set,
                "published_date": parsed.published_date,
                "known_from": parsed.published_date,
                "retrieved_at": "2026-11-23T08:00:00Z",
                "content_sha256": content_sha256(parsed),
                "file_sha256": "f" * 64,
                "years": list(parsed.years),
                "row_count": len(parsed.rows),
                "rejected_count": len(parsed.rejects),
                "notes": list(parsed.notes),
                "origin": "archive",
                "run_id": run_id,
            },
        )
    return int(run_id)


def population(real_data: Path, dataset: str, years: range) -> Parsed:
    rows = pd.read_csv(real_data / "scb" / "population.csv", dtype={"region_code": str})
    rows = rows[rows["year"].isin(years)].reset_index(drop=True)
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="personer",
        published_date=date(years[-1] + 1, 2, 22),
        years=tuple(years),
        rows=pd.DataFrame(
            {
                "region_code": rows["region_code"],
                "year": rows["year"],
                "population_count": rows["population"],
                "sheet_row": rows.index,
            }
        ),
        rejects=pd.DataFrame(columns=["sheet_row", "column_name", "raw_value", "reason"]),
        rows_read=len(rows),
    )


@pytest.fixture(scope="module")
def evaluated(
    cluster: Cluster, warehouse_template: str, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Evaluated:
    """All real releases, loaded, evaluated and recorded one after the other."""
    admin = cluster.connect()
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE DATABASE gates_real TEMPLATE {}").format(sql.Identifier(warehouse_template))
        )
    admin.close()
    dsn = cluster.dsn("gates_real")
    releases = {
        name: smhi_emissions.parse([(real_data / "smhi" / file).read_bytes()], "smhi_emissions", substance)
        for name, (file, substance) in EDITIONS.items()
    }
    releases["population"] = population(real_data, "scb_population", range(2023, 2025))
    releases["population_2025"] = population(real_data, "scb_population_ckm", range(2025, 2026))
    docs = tmp_path_factory.mktemp("docs")
    conn = connect(dsn)
    found = Evaluated({}, {})
    for name, parsed in releases.items():
        source = catalog.source_of(parsed.dataset)
        run_id = load(conn, source, parsed)
        started = time.process_time()
        (verdict,) = validate_run(dsn, run_id, source=source, origin="archive", docs_root=docs)
        found.seconds[name] = time.process_time() - started
        found.verdicts[name] = verdict
        with conn:
            record_verdicts(conn, [verdict])
        print(f"\n{explain(verdict, docs=False)}\n(processor time {found.seconds[name]:.1f} s)")  # noqa: T201
    conn.close()
    return found


def gate(evaluated: Evaluated, release: str, rule: str) -> Gate:
    (found,) = [gate for gate in evaluated.verdicts[release].gates if gate.rule == rule]
    return found


def cells(found: Gate) -> set[tuple[object, object, object]]:
    return {(row["region_name"], row["sector_code"], row["year"]) for row in found.sample}


def test_no_real_release_is_held_or_refused(evaluated: Evaluated) -> None:
    assert {name: verdict.verdict for name, verdict in evaluated.verdicts.items()} == {
        "2021": "publish_with_warnings",
        "co2_2024": "publish_with_warnings",
        "2025": "publish_with_warnings",
        "2026a": "publish_with_warnings",
        "population": "publish",
        "population_2025": "publish",
    }


@pytest.mark.parametrize(
    ("release", "rules"),
    [
        ("2021", {"sector_collapse"}),
        # Carbon dioxide of agriculture (liming) and of waste follows the nation in 2022.
        (
            "co2_2024",
            {"unallocated_sector", "subsector_sum", "sector_collapse", "new_year_sector_uniform"},
        ),
        ("2025", {"sector_collapse"}),
        ("2026a", {"sector_collapse", "scope_break", "new_year_sector_uniform"}),
    ],
)
def test_the_warnings_of_each_release(evaluated: Evaluated, release: str, rules: set[str]) -> None:
    assert {gate.rule for gate in evaluated.verdicts[release].failed} == rules


@pytest.mark.parametrize(
    ("release", "rule", "measured"),
    [
        # Σ nine sectors = total: largest gap 0.030 t
        ("2021", "sector_sum", 0.0084),
        ("co2_2024", "sector_sum", 0.0),
        ("2025", "sector_sum", 0.030),
        ("2026a", "sector_sum", 0.024),
        # Σ municipalities = county: largest gap 1.45 t
        ("2021", "county_sum", 1.160),
        ("co2_2024", "county_sum", 1.452),
        ("2025", "county_sum", 0.870),
        ("2026a", "county_sum", 0.884),
        # nation − counties: 0.29–0.77 %
        ("2021", "unallocated_high", 0.431),
        ("co2_2024", "unallocated_high", 0.771),
        ("2025", "unallocated_high", 0.500),
        ("2026a", "unallocated_high", 0.465),
        # unallocated per sector: 0.29–1.85 % for transport and machinery, at most 0.071 % for the others
        ("2021", "unallocated_sector_wide", 1.270),
        ("co2_2024", "unallocated_sector_wide", 1.734),
        ("2025", "unallocated_sector_wide", 1.844),
        ("2026a", "unallocated_sector_wide", 1.845),
        ("2021", "unallocated_sector", 0.023),
        ("co2_2024", "unallocated_sector", 54.255),
        ("2025", "unallocated_sector", 0.071),
        ("2026a", "unallocated_sector", 0.044),
        # hold gates: at most 0.12 % odd, 18.8 and 10.5 % moved
        ("2025", "hold_ratio", 0.115),
        ("2026a", "hold_ratio", 0.0),
        ("2025", "hold_moved", 18.812),
        ("2026a", "hold_moved", 10.498),
        # A new year against the year before it. The first two have nothing before them: every year is new;
        # the third adds 2020 to 2023, the fourth 2024.
        ("2021", "new_year_nation", 7.189),
        ("co2_2024", "new_year_nation", 11.812),
        ("2025", "new_year_nation", 9.136),
        ("2026a", "new_year_nation", 7.894),
        ("2021", "new_year_sectors", 56.153),
        ("co2_2024", "new_year_sectors", 185.909),
        ("2025", "new_year_sectors", 21.410),
        ("2026a", "new_year_sectors", 33.412),
        ("2021", "new_year_county", 25.826),
        ("co2_2024", "new_year_county", 30.575),
        ("2025", "new_year_county", 35.566),
        ("2026a", "new_year_county", 27.228),
        ("2021", "new_year_municipal", 0.690),
        ("co2_2024", "new_year_municipal", 1.379),
        ("2025", "new_year_municipal", 1.379),
        ("2026a", "new_year_municipal", 0.345),
        ("2021", "new_year_cells", 24.178),
        ("co2_2024", "new_year_cells", 66.558),
        ("2025", "new_year_cells", 20.0),
        ("2026a", "new_year_cells", 0.639),
        ("2021", "new_year_uniform", 13.153),
        ("co2_2024", "new_year_uniform", 32.931),
        ("2025", "new_year_uniform", 9.965),
        ("2026a", "new_year_uniform", 25.032),
        ("2021", "new_year_swapped", 51.342),
        ("co2_2024", "new_year_swapped", 49.095),
        ("2025", "new_year_swapped", 287.358),
        # No municipality grew or shrank by more than 3.96 % from 2024 to 2025.
        ("population_2025", "population_continued", 3.957),
        ("population", "fact_new_year_uniform", 15.705),
    ],
)
def test_measured_values_are_those_of_the_methods(
    evaluated: Evaluated, release: str, rule: str, measured: float
) -> None:
    assert gate(evaluated, release, rule).measured == pytest.approx(measured, abs=0.0006)


def test_the_first_releases_of_a_substance_have_nothing_to_compare_with(evaluated: Evaluated) -> None:
    for release in ("2021", "co2_2024"):
        for rule in ("hold_ratio", "hold_moved"):
            found = gate(evaluated, release, rule)
            assert (found.passed, found.measured) == (True, None)


def test_the_wrong_waste_of_co2_2024_is_reported(evaluated: Evaluated) -> None:
    found = gate(evaluated, "co2_2024", "unallocated_sector")

    assert cells(found) == {("Riket", "waste", year) for year in WASTE_YEARS}
    assert "Riket (Avfall (inklusive avlopp): 2005, 2018, 2019, 2020, 2021, 2022)" in found.message_sv
    assert "54,255 procent (gräns 0,5 procent)" in found.message_sv


def test_subsectors_exceed_their_sector_only_in_kumla_and_its_county(evaluated: Evaluated) -> None:
    found = gate(evaluated, "co2_2024", "subsector_sum")

    assert found.finding_count == 10
    assert {(region, sector) for region, sector, _ in cells(found)} == {
        ("Kumla", "waste"),
        ("Örebro län", "waste"),
    }
    assert gate(evaluated, "2021", "subsector_sum").passed
    assert gate(evaluated, "2025", "subsector_sum").measured is None  # main sectors only


@pytest.mark.parametrize(
    ("release", "collapsed"),
    [
        ("2021", {("Solna", "power_heat", 2000)}),
        (
            "co2_2024",
            {("Solna", "power_heat", 2000), ("Kumla", "waste", 2005), ("Östersund", "power_heat", 2022)},
        ),
        (
            "2025",
            {("Solna", "power_heat", 2000), ("Lilla Edet", "industry", 2023), ("Kumla", "industry", 2023)},
        ),
        ("2026a", {("Solna", "power_heat", 2000)}),
    ],
)
def test_sectors_that_fall_to_nothing(
    evaluated: Evaluated, release: str, collapsed: set[tuple[str, str, int]]
) -> None:
    assert cells(gate(evaluated, release, "sector_collapse")) == collapsed


def test_international_transport_breaks_in_2023(evaluated: Evaluated) -> None:
    found = gate(evaluated, "2026a", "scope_break")

    assert cells(found) == {("Riket", "international_transport", 2023)}
    assert found.sample[0]["found"] == pytest.approx(185_519.93)


def test_three_sectors_of_2024_follow_the_nation_and_are_warned_of_not_held(evaluated: Evaluated) -> None:
    found = gate(evaluated, "2026a", "new_year_sector_uniform")

    assert cells(found) == {("Riket", sector, 2024) for sector in ("industry", "power_heat", "own_heating")}
    assert found.severity == "advisory"


def test_real_population_adds_up(evaluated: Evaluated) -> None:
    assert gate(evaluated, "population", "population_sum").measured == 0.0
    assert gate(evaluated, "population_2025", "population_sum_noise").measured == 0.0


def test_a_full_release_is_evaluated_within_its_budget(evaluated: Evaluated) -> None:
    # 255 528 rows, the import of Great Expectations included. Processor time, because other tests may run
    # beside it; waiting for the database (about 3 s) is not in it.
    assert evaluated.seconds["2021"] < 9
