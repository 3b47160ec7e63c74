"""Registers as the formulas take them: what was in force at a moment, and what is valid on a day."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from klimatpuls.membership import criteria
from klimatpuls.membership.measures import STALE_AFTER_MONTHS, MeasureStatus
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline.sync_registers import sync_registers
from klimatpuls.statistics.crosschecks import Side
from klimatpuls.statistics.official import build_effort_sharing
from klimatpuls.statistics.series import build_own_series
from klimatpuls.warehouse import register_rows
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

pytestmark = pytest.mark.postgres

AS_OF = date(2026, 5, 8)
ROWS = {
    "measures.csv": (
        "tierp-buss,0360,sector_list:avfall,transport,Elbussar,Electric buses,ongoing,2025-01-01,2029-12-31,"
        "2026:120.5|2030:400,Upphandlaren,schablon,1250000,KK-1,strateg,https://example.org/b,2026-02-03",
        "tierp-varme,0360,territorial,own_heating,Pannor,Boilers,planned,,,,,,,,chef,,2026-02-03",
    ),
    "pledges.csv": ("tierp-l1,0360,Länet,Fossilfritt,2024-03-01,,tierp-buss",),
    "climate_plans.csv": ("tierp-1,0360,plan,Plan,,2020,,,,,,beslut,", "lund-0,1281,missing,,,,,,,,,k,"),
    "evidence.csv": ("e1,0360,inventory,self_confirmed,2025-02-01,klimatstrateg,2023,",),
    "enquiries.csv": ("0360,targets,2025-01-10,2025-08-01,2025-08-20,I höst", "0360,targets,2026-01-10,,,"),
    "reporting_rounds.csv": ("2026,2026-02-01,2026-03-31",),
    "answers.csv": ("1281,2026,2026-03-01", "1280,,2026-06-01"),
    "own_series.csv": (
        "egna,0360,Egen,Own,2024,1100,tCO2e,bokslut,bränslen",
        "energi,0360,Energi,Energy,2024,5000,MWh,bokslut,mätare",
    ),
    "sector_lists.csv": ("avfall,Avfall,Waste,waste|product_use",),
    "municipality_groups.csv": (
        "1280,A1,Storstäder,Large,2017-01-01,2022-12-31,SKR",
        "1280,B3,Större städer,Larger,2023-01-01,,SKR",
    ),
    "official_figures.csv": (
        "2024,2024,effort_sharing,30000000,2025-12-16,Naturvårdsverket,https://example.org/utfall",
        "2024,2025,transport,13000000,2026-05-04,Naturvårdsverket,https://example.org/preliminart",
    ),
    "ets_plants.csv": (
        "101,Bruket,0360,industry,,2019-12-31,2026-02-03,tillstånd",
        "102,Värmeverket,0360,power_heat,2020-01-01,,2026-02-03,tillstånd",
    ),
    "ets_statements.csv": ("0360,2026-02-03,miljöchef,länsstyrelsens förteckning",),
    "trading_references.csv": ('0360,2022,utanför utsläppshandeln,"5,5",ton per invånare,Miljöbarometern',),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's registers with synthetic rows."""
    made = shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")
    for name, rows in ROWS.items():
        with (made / name).open("a", encoding="utf-8") as file:
            file.write("".join(f"{row}\n" for row in rows))
    return made


@pytest.fixture
def conn(warehouse: Warehouse, folder: Path) -> Iterator[PgConnection]:
    with closing(connect(warehouse.loader_dsn)) as opened:
        assert len(sync_registers(opened, folder)) == 20
        yield opened


@pytest.fixture
def cursor(conn: PgConnection) -> Iterator[Any]:
    with conn, conn.cursor() as opened:
        yield opened


def test_measures_and_pledges(cursor: Any) -> None:
    bus, heat = register_rows.read_measures(cursor, None)
    assert (bus.status, bus.effects) == (MeasureStatus.ONGOING, {2026: 120.5, 2030: 400.0})
    assert (bus.title, bus.boundary, bus.end_date) == ("Elbussar", "sector_list:avfall", date(2029, 12, 31))
    assert bus.evidence == ("https://example.org/b",)
    assert not heat.has_effect
    assert (heat.start_date, heat.cost_sek, heat.last_updated) == (None, None, date(2026, 2, 3))
    (pledge,) = register_rows.read_pledges(cursor, None)
    assert (pledge.measure_ids, pledge.due_on) == (("tierp-buss",), None)


def test_what_the_criteria_are_evaluated_by(cursor: Any) -> None:
    (plan,) = register_rows.read_plans(cursor, None)
    assert (plan.plan_id, plan.decided_on, plan.valid_to) == ("tierp-1", date(2020, 12, 31), None)
    (evidence,) = register_rows.read_evidence(cursor, None)
    assert (evidence.criterion, evidence.inventory_year) == (criteria.Criterion.INVENTORY, 2023)
    assert [one.round_id for one in register_rows.read_rounds(cursor, None)] == ["2026"]
    answers = [(one.region_code, one.round_id) for one in register_rows.read_answers(cursor, None)]
    assert answers == [("1280", None), ("1281", "2026")]
    assert register_rows.read_asked_on(cursor, None) == {("0360", "targets"): date(2026, 1, 10)}
    assert register_rows.read_hearings(cursor, None) == {
        ("0360", "targets"): criteria.Hearing(
            told_on=date(2025, 8, 1), replied_on=date(2025, 8, 20), reply="I höst"
        )
    }


def test_the_numbers_of_the_rules_are_those_the_formulas_were_written_with(cursor: Any) -> None:
    numbers = register_rows.read_rule_numbers(cursor, None, AS_OF)
    assert numbers.criteria == criteria.Rules()
    assert numbers.stale_after_months == STALE_AFTER_MONTHS


def test_a_rule_is_the_one_of_its_day(conn: PgConnection, folder: Path) -> None:
    path = folder / "criteria_rules.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    (place,) = [place for place, line in enumerate(lines) if line.startswith("reply_days,")]
    old = lines[place]
    lines[place] = old + "2026-12-31"
    lines.append(old.replace(",30,", ",45,").removesuffix(",,") + ",2027-01-01,")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert sync_registers(conn, folder) == ("criteria_rules",)
    with conn, conn.cursor() as cursor:
        for day, days in ((date(2026, 12, 31), 30), (date(2027, 1, 1), 45)):
            assert register_rows.read_rule_numbers(cursor, None, day).criteria.reply_days == days


def test_boundaries_series_and_groups(cursor: Any) -> None:
    (boundary,) = register_rows.read_boundaries(cursor, None)
    assert (boundary.code, boundary.plus) == ("sector_list:avfall", ("waste", "product_use"))
    own = register_rows.read_own_series(cursor, None)
    assert own is not None
    assert own["boundary"].tolist() == ["own_series:egna"], "energy is context and no boundary"
    series = build_own_series(own, "own_series:egna")
    assert series["value_tco2e"].tolist() == [1100.0]
    assert register_rows.read_groups(cursor, None, AS_OF) == {"1280": "B3"}
    assert register_rows.read_groups(cursor, None, date(2020, 1, 1)) == {"1280": "A1"}


def test_official_figures_are_read_with_their_submission(cursor: Any) -> None:
    found = register_rows.read_official_figures(cursor, None)
    assert found is not None
    assert found.to_dict("list") == {
        "submission_last_year": [2024, 2024],
        "year": [2024, 2025],
        "sector_code": ["effort_sharing", "transport"],
        "emissions_tco2e": [30e6, 13e6],
    }
    series = build_effort_sharing(
        Side(
            release_id="i",
            published_date=date(2025, 12, 16),
            facts=pd.DataFrame({"year": [1990, 2024], "emissions_tco2e": [71e6, 48e6]}),
        ),
        found,
    )
    assert series["value_tco2e"].tolist() == [46e6, 30e6]


def test_a_moment_gives_what_was_known_then(conn: PgConnection, folder: Path) -> None:
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/register_sha256.sql"))
        (_, moment) = cursor.fetchone()
    for name in ("pledges.csv", "measures.csv", "own_series.csv"):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert sync_registers(conn, folder) == ("measures", "pledges", "own_series")
    with conn, conn.cursor() as cursor:
        assert len(register_rows.read_measures(cursor, moment)) == 2
        assert register_rows.read_measures(cursor, None) == ()
        assert register_rows.read_own_series(cursor, None) is None
