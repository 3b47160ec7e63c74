"""The marts of checks on the real releases: sums, boundaries, the inventory, a known defect."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import contract_rules
from support.pipeline_run import refresh

from klimatpuls.contract import schema
from klimatpuls.contract.lineage import lineages
from klimatpuls.domain.defects import defect_cells
from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.operations.trace import Question, Tracer, trace
from klimatpuls.pipeline.context import RunContext
from klimatpuls.registers import read_registers
from klimatpuls.sources import smhi_emissions
from klimatpuls.statistics import series
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import digest_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Warehouse

pytestmark = [pytest.mark.real_data, pytest.mark.postgres]

DAYS = (date(2021, 10, 20), date(2025, 7, 1), date(2026, 5, 8))
FIGURES_BEFORE = Path(__file__).with_name("figures_before_rooms.json")
CO2_2024 = "CO2_edition_2024-04-18.xlsx"
SAMPLE, SEED = 300, 15
NUMBERS = {"smallint", "integer", "bigint", "double precision"}
STORED = {"target", "criteria_rule", "release_gate", "criteria_summary"}
"""Marts whose trace names the register, the validation or the earlier publication that stored a number."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the raw bytes are kept."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def published(real_data: Path, home: Path, new_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """A warehouse that holds CO2 2024 and all gases of 2021, 2025 and May 2026, with the inventory."""
    warehouse = new_warehouse()
    with closing(connect(warehouse.loader_dsn)) as conn:
        for day in DAYS:
            now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
            context = RunContext(home=home, origin="archive", as_of=day, now=now)
            assert refresh(conn, warehouse.loader_dsn, real_data, context) is not None
    return warehouse


@pytest.fixture(scope="module")
def ask(published: Warehouse):
    """Ask the warehouse as ``bi_read``."""
    with closing(connect(published.bi_dsn)) as conn, conn.cursor() as cursor:

        def rows(query: str) -> list[tuple[Any, ...]]:
            cursor.execute(query)
            return cursor.fetchall()

        yield rows


def test_figures_are_those_of_the_code_before_the_rooms(published: Warehouse) -> None:
    """All but prose equals what commit 7f5f45d published of the same files on the same days.

    The file holds a hash per fact and mart, made by that commit. A changed formula, register or column of the
    contract changes them on purpose: then write the new hashes, in a commit that says why.
    """
    before = json.loads(FIGURES_BEFORE.read_text(encoding="utf-8"))
    with closing(connect(published.loader_dsn)) as conn, conn, conn.cursor() as cursor:
        now = digest_parts(cursor, with_prose=False)
    assert len(before) > 60
    assert {name: digest == now.get(name) for name, digest in before.items()} == dict.fromkeys(before, True)
    assert now.keys() == before.keys()


def test_values_are_what_the_contract_says(published: Warehouse) -> None:
    with closing(connect(published.bi_dsn)) as conn, conn.cursor() as cursor:
        broken = contract_rules.count_violations(cursor)
    assert len(broken) > 200
    # Not every source has real figures in the folder, so some marts are empty.
    assert {what: count for what, count in broken.items() if count and not what.endswith(" empty")} == {}


def test_the_network_is_told_with_and_without_its_largest_emitter(ask) -> None:
    """Facts of the release of May 2026 (docs/methods.md section 2)."""
    rows = ask(
        "SELECT panel, region_count, round(emissions_tco2e)::float8, "
        "round(change_since_1990_pct::numeric, 2)::float8, round((100 * (emissions_tco2e "
        "/ lag(emissions_tco2e) OVER (PARTITION BY panel ORDER BY year) - 1))::numeric, 2)::float8, "
        "round(emissions_t_per_capita::numeric, 3)::float8, year "
        "FROM mart.network_summary WHERE boundary = 'territorial' ORDER BY year"
    )
    now = {row[0]: row[1:6] for row in rows if row[6] == 2024}
    before = {row[0]: row[1:6] for row in rows if row[6] == 2023}
    assert now["members_today"] == (18, 11_162_325.0, -28.73, 5.67, 3.404)
    assert before["members_today"][4] == 3.245
    assert now["members_without_largest"][:1] + now["members_without_largest"][2:4] == (17, -37.58, 8.82)
    assert now["rest_of_sweden"][:1] + now["rest_of_sweden"][2:4] == (272, -34.38, 8.83)
    assert round(now["unallocated"][1] / 1000) == 181
    assert sum(
        now[panel][1] for panel in ("members_today", "rest_of_sweden", "unallocated")
    ) == pytest.approx(now["nation"][1], abs=2)
    known = ask("SELECT DISTINCT confirmed_member_count, stated_member_count FROM mart.network_summary")
    assert known == [(19, 52)]


def test_the_revision_of_2023_is_without_international_transport(ask) -> None:
    moved = ask(
        "SELECT region_code, round(difference_pct::numeric, 1)::float8 FROM mart.revision "
        "WHERE is_current AND substance = 'ghg' AND boundary = 'territorial' AND sector_code = 'all' "
        "AND year = 2023 AND region_code IN ('00', '0191') ORDER BY region_code"
    )
    assert moved == [("00", -0.3), ("0191", -1.1)]
    overview = ask(
        "SELECT region_code, round(revision_of_previous_year_pct::numeric, 1)::float8 "
        "FROM mart.region_overview WHERE region_code IN ('00', '0191') ORDER BY region_code"
    )
    assert overview == moved


def test_the_change_per_inhabitant_waits_for_the_population_of_1990(ask) -> None:
    rows = ask(
        "SELECT panel, per_capita_change_reason, widened_with FROM mart.network_summary "
        "WHERE boundary = 'territorial' AND year = 2024 "
        "AND panel IN ('members_today', 'rest_of_sweden', 'nation') ORDER BY panel"
    )
    assert rows == [
        ("members_today", "no_population", ["0330", "1814"]),
        ("nation", "no_population", []),
        ("rest_of_sweden", "no_population", ["0380", "1880"]),
    ]
    early = ask(
        "SELECT DISTINCT status_reason FROM mart.network_summary "
        "WHERE panel = 'rest_of_sweden' AND boundary = 'territorial' AND year IN (1990, 2000)"
    )
    assert early == [("borders_changed",)]
    levels = ask(
        "SELECT round(emissions_t_per_capita::numeric, 2)::float8 FROM mart.per_inhabitant "
        "WHERE region_code = '0360' AND boundary = 'territorial' AND year IN (2023, 2024) ORDER BY year"
    )
    assert len(levels) == 2
    overview = ask(
        "SELECT round(territorial_t_per_capita::numeric, 2)::float8 FROM mart.region_overview "
        "WHERE region_code = '0360'"
    )
    assert levels[1] == overview[0]


def test_the_unallocated_part_is_that_of_the_methods_page(ask) -> None:
    shares = ask(
        "SELECT round(unallocated_pct::numeric, 3)::float8 FROM mart.reconciliation "
        "WHERE sector_code = 'all' AND substance = 'ghg' AND release_id LIKE '%2026-05-07%' ORDER BY year"
    )
    assert [share for (share,) in shares] == [
        0.363, 0.397, 0.415, 0.4, 0.465, 0.369, 0.377, 0.448, 0.457, 0.38,
    ]  # fmt: skip
    ((waste,),) = ask(
        "SELECT max(unallocated_pct) FROM mart.reconciliation "
        "WHERE sector_code = 'waste' AND substance = 'co2'"
    )
    assert waste == pytest.approx(54.25, abs=0.01)


def test_both_totals_of_sigtuna_are_right_and_the_break_is_named(ask) -> None:
    rows = ask(
        "SELECT year, boundary, round(emissions_tco2e)::int, flags FROM mart.boundary_series "
        "WHERE region_code = '0191' AND year IN (2022, 2024) "
        "AND boundary IN ('published_total', 'territorial') ORDER BY 1, 2"
    )
    # Källa: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), utgåvan 2026-05-07, egen bearbetning.
    assert rows == [
        (2022, "published_total", 321_428, []),
        (2022, "territorial", 321_428, []),
        (2024, "published_total", 440_689, ["scope_break"]),
        (2024, "territorial", 336_529, []),
    ]


def test_the_nation_agrees_with_the_inventory_of_its_submission_year(ask) -> None:
    ((count, largest),) = ask(
        "SELECT count(*), max(abs(difference_pct)) FROM mart.cross_check "
        "WHERE check_code = 'smhi_inventory' AND is_same_vintage"
    )
    assert count == 10
    assert largest == pytest.approx(0.632, abs=0.001)


def test_why_tierps_change_since_1990_differs_between_the_releases(ask) -> None:
    steps = ask(
        "SELECT step, round(change_since_base_pct::numeric, 2)::float8, "
        "round(change_part_points::numeric, 2)::float8, from_release_id, to_release_id "
        "FROM mart.standing_change WHERE region_code = '0360' AND target_id = 'national_2045_net_zero' "
        "ORDER BY step_order"
    )
    # Källa: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), egen bearbetning.
    assert [step[:3] for step in steps] == [
        ("stored", -37.55, 0.0),
        ("method", -37.55, 0.0),
        ("vanished_years", -37.55, 0.0),
        ("revised_values", -38.04, -0.49),
        ("revised_base", -40.24, -2.2),
        ("new_data", -32.98, 7.27),
    ]
    assert {step[3].split("-")[2] for step in steps} == {"2025"}
    assert {step[4].split("-")[2] for step in steps} == {"2026"}


def test_the_parts_of_every_change_add_up(ask) -> None:
    ((rows, regions, worst),) = ask(
        "SELECT count(*), count(DISTINCT region_code), max(abs(last_tco2e - first_tco2e "
        "- national_part_tco2e - own_part_tco2e) / greatest(first_tco2e, last_tco2e, 1)) "
        "FROM mart.change_part WHERE own_part_status <> 'nation_itself'"
    )
    assert rows == 311 * (45 + 8 * 17)
    assert regions == 311
    assert worst < 1e-9
    scaled = ask(
        "SELECT DISTINCT sector_code FROM mart.change_part WHERE first_year = 2023 AND last_year = 2024 "
        "AND own_part_status = 'not_measurable_yet' ORDER BY 1"
    )
    assert [sector for (sector,) in scaled] == ["industry", "own_heating", "power_heat"]


def test_the_base_of_1990_when_nothing_was_held_is_said_to_be_unknown(ask) -> None:
    assert ask("SELECT DISTINCT reason, decided_tco2e FROM mart.base_year_ledger") == [
        ("no_release_in_force", None)
    ]


def test_kumlas_waste_is_a_known_defect_of_the_release_that_has_it(ask, real_data: Path) -> None:
    found = ask("SELECT region_code, substance, release_id FROM mart.known_defect ORDER BY region_code")
    assert [(region, substance) for region, substance, _ in found] == [("18", "co2"), ("1881", "co2")]
    assert all(release_id.startswith("smhi_emissions-co2-2024-04-18-") for *_, release_id in found)

    parsed = smhi_emissions.parse([(real_data / "smhi" / CO2_2024).read_bytes()], "smhi_emissions", "co2")
    facts = parsed.rows.rename(columns={"emissions": "emissions_tco2e"})
    known = read_registers().known_defects
    cells = defect_cells(
        [d for d in known if d.is_about("smhi_emissions", "co2", parsed.published_date)], facts
    )
    assert cells == [
        (region, "waste", year) for region in ("1881", "18") for year in (2005, *range(2018, 2023))
    ]
    table = series.build_release_table("co2", facts)
    kumla = series.build_series(table, series.TERRITORIAL, defects=cells).query("region_code == '1881'")
    flagged = kumla[[series.KNOWN_DEFECT in flags for flags in kumla["flags"]]]
    assert flagged["year"].tolist() == [2005, *range(2018, 2023)], "in no trend"


@pytest.mark.parametrize("region", ["0360", "1980", "00"])
def test_every_kind_of_value_of_a_boundary_is_made_up_of_its_cells(
    ask, published: Warehouse, home: Path, region: str
) -> None:
    """Observed, linked from either older release, and with the aviation of the carbon dioxide release."""
    wanted = ask(
        "SELECT boundary, year, status FROM mart.boundary_series "
        f"WHERE region_code = '{region}' AND year IN (1990, 2011, 2017, 2024)"
    )
    assert len(wanted) == 16
    kinds = set()
    with closing(connect(published.bi_dsn)) as conn, conn, conn.cursor() as cursor:
        for boundary, year, status in wanted:
            question = Question(region_code=region, keys={"boundary": boundary, "year": str(year)})
            found = trace(cursor, home / "snapshots", question)
            (root,) = found.steps
            assert found.disagreements() == []
            assert root.recomputed is not None, (boundary, year)
            kinds.add((boundary, year, status, len(found.files)))
    assert ("territorial", 2024, "observed", 1) in kinds
    assert ("territorial", 2017, "linked", 2) in kinds, "gone since 2026"
    assert ("territorial", 2011, "linked", 2) in kinds, "gone since 2025"
    assert ("effort_sharing_proxy", 2024, "estimated", 2) in kinds, "aviation kept from carbon dioxide's 2022"
    assert ("effort_sharing_proxy", 2017, "linked", 3) in kinds, "both at once"


def test_what_a_count_is_worth_is_stored_with_the_publication(ask: Callable[[str], Any]) -> None:
    found = ask(
        "SELECT target_id, municipality_count, round(independent_n::numeric, 2)::text FROM mart.variant_worth"
    )
    assert sorted(found) == [
        ("national_2030_55", 290, "1.78"),
        ("national_2030_63", 290, "2.04"),
        ("national_transport_2030_70", 290, "1.77"),
    ]


def test_the_nation_stands_on_the_proxy_on_both_sides_while_no_outcome_is_held(
    ask: Callable[[str], Any],
) -> None:
    ((status, base, last),) = ask(
        "SELECT base_status, base_tco2e, last_tco2e FROM mart.target_progress "
        "WHERE region_code = '00' AND target_id = 'national_2030_55'"
    )
    assert (status, round(100 * (last / base - 1), 1)) == ("proxy", -32.8)


def test_a_standing_on_the_proxy_leads_to_both_releases(published: Warehouse, home: Path) -> None:
    keys = {"target_id": "national_2030_55"}
    question = Question(region_code="0360", column="gap_tco2e", keys=keys)
    with closing(connect(published.bi_dsn)) as conn, conn, conn.cursor() as cursor:
        found = trace(cursor, home / "snapshots", question)
    assert found.disagreements() == []
    assert len(found.files) == 2
    assert found.steps[0].method_version == METHOD_VERSION


def sample_of_numbers(ask, size: int, seed: int) -> list[tuple[str, str, dict[str, str]]]:
    """(mart, column, keys) of random numbers: every column with a figure once, the rest by mart."""
    chance = random.Random(seed)
    columns: dict[str, list[str]] = {}
    for entry in lineages():
        if schema.mart(entry.mart).column(entry.column).type in NUMBERS:
            ((count,),) = ask(f"SELECT count({entry.column}) FROM mart.{entry.mart}")
            if count:
                columns.setdefault(entry.mart, []).append(entry.column)
    chosen = [(mart, column) for mart, own in columns.items() for column in own]
    while len(chosen) < size:
        mart = chance.choice(sorted(columns))
        chosen.append((mart, chance.choice(columns[mart])))
    found = []
    for mart, column in chosen:
        known = [one.name for one in schema.mart(mart).columns]
        names = dict.fromkeys([*schema.mart(mart).key, *(["region_code"] if "region_code" in known else [])])
        (row,) = ask(
            f"SELECT {', '.join(names)} FROM mart.{mart} WHERE {column} IS NOT NULL "
            f"ORDER BY md5(concat_ws('|', {chance.randrange(10**9)}, {', '.join(names)})) LIMIT 1"
        )
        keys = {name: "" if part is None else str(part) for name, part in zip(names, row, strict=True)}
        found.append((mart, column, keys))
    return found


def test_a_random_sample_of_numbers_is_made_of_what_its_trace_shows(
    ask, published: Warehouse, home: Path
) -> None:
    """Each is read again from its cell, or calculated again from the inputs that its trace declares.

    The two may differ by a billionth of the number, or a gram where it is in tonnes (``tracing.TOLERANCE``).
    """
    chosen = sample_of_numbers(ask, SAMPLE, SEED)
    how: Counter[str] = Counter()
    wrong = []
    with closing(connect(published.bi_dsn)) as conn, conn, conn.cursor() as cursor:
        tracer = Tracer(cursor, home / "snapshots")
        for mart, column, keys in chosen:
            region = keys.pop("region_code", "") or "00"
            found = tracer.answer(Question(region_code=region, mart=mart, column=column, keys=keys))
            (root,) = found.steps
            is_read = root.cell is not None and root.cell.number is not None
            kind = "read" if is_read else "calculated" if root.recomputed is not None else "stored"
            how[kind] += 1
            if found.disagreements() or (kind == "stored" and (mart not in STORED or not root.note)):
                wrong.append((mart, column, region, keys, kind, found.disagreements()))
    assert wrong == []
    assert len(chosen) == SAMPLE
    assert len({mart for mart, *_ in chosen}) >= 29
    assert how["calculated"] > 230, how
    assert how["read"] >= 4, how
