"""The network's own files carried into the warehouse: whole, once, or not at all."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.hops.registers import sync_registers
from klimatpuls.registers import REGISTERS_FOLDER, RegisterError, read_registers
from klimatpuls.registers.targets import from_definition
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

pytestmark = pytest.mark.postgres

TIERP = "0360"
OWN_TARGET = """\
targets:
  - target_id: tierp_2030
    region_code: "0360"
    title_sv: Prov
    title_en: Trial
    boundary: territorial
    target_type: percent_below_base
    base_year: 1990
    target_year: 2030
    percent_below_base: 63
    decided_on: 2024-06-17
    decided_by: kommunfullmäktige
    document_url: https://example.org/beslut
    valid_from: 2024-06-17
"""
DEFECT = (
    "d1,smhi_emissions,co2,2024-04-18,0360,waste,2021,1000,,Fel enligt utgivaren,"
    '"Wrong, says the publisher",utgivaren,2026-11-27,2027-12-31\n'
)


@pytest.fixture
def conn(warehouse: Warehouse) -> Iterator[PgConnection]:
    with closing(connect(warehouse.loader_dsn)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the registers that a test may change."""
    return shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")


def ask(conn: PgConnection, query: str) -> list[tuple[Any, ...]]:
    with conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def whole(conn: PgConnection) -> list[list[tuple[Any, ...]]]:
    """Everything the registers hold, clocks left out."""
    return [
        ask(conn, "SELECT * FROM register.member ORDER BY region_code"),
        ask(conn, "SELECT * FROM register.target ORDER BY target_id"),
        ask(conn, "SELECT * FROM register.known_defect ORDER BY defect_id"),
        ask(conn, "SELECT register, sha256, row_count FROM register.version ORDER BY register"),
    ]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_first_time_everything_is_carried_over(conn: PgConnection) -> None:
    assert sync_registers(conn) == ("members", "targets")
    read = read_registers()
    assert ask(conn, "SELECT count(*) FROM register.member") == [(len(read.members),)]
    confirmed = int(read.members["confirmed"].sum())
    assert ask(conn, "SELECT count(*) FROM register.member WHERE confirmed") == [(confirmed,)]
    definitions = ask(conn, "SELECT definition FROM register.target ORDER BY target_id")
    assert tuple(from_definition(definition) for (definition,) in definitions) == read.targets


def test_a_second_time_changes_nothing(conn: PgConnection) -> None:
    sync_registers(conn)
    before = whole(conn)
    assert sync_registers(conn) == ()
    assert whole(conn) == before


def test_the_order_of_the_lines_is_no_change(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    members = folder / "members.csv"
    head, *lines = members.read_text(encoding="utf-8").splitlines()
    members.write_text("\n".join([head, *reversed(lines)]) + "\n", encoding="utf-8")
    assert sync_registers(conn, folder) == ()


def test_a_date_of_joining_reaches_the_marts_as_a_date(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    targets = ask(conn, "SELECT synced_at FROM register.version WHERE register = 'targets'")
    edit(folder / "members.csv", "0180,Stockholm,,,true", "0180,Stockholm,2009-03-02,2031-01-01,true")
    assert sync_registers(conn, folder) == ("members",)
    row = "SELECT joined_on, left_on, confirmed, is_applicant FROM mart.member WHERE region_code = '0180'"
    assert ask(conn, row) == [(date(2009, 3, 2), date(2031, 1, 1), True, False)]
    assert ask(conn, "SELECT synced_at FROM register.version WHERE register = 'targets'") == targets


def test_a_member_taken_off_the_list_is_gone(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    members = folder / "members.csv"
    lines = members.read_text(encoding="utf-8").splitlines(keepends=True)
    members.write_text("".join(line for line in lines if not line.startswith("0180,")), encoding="utf-8")
    assert sync_registers(conn, folder) == ("members",)
    assert ask(conn, "SELECT count(*) FROM register.member WHERE region_code = '0180'") == [(0,)]
    assert ask(conn, "SELECT count(*) FROM register.member") == [(len(lines) - 2,)]


def test_an_own_target_has_its_owner_and_a_line_has_none(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    (folder / "targets.yaml").write_text(OWN_TARGET, encoding="utf-8")
    assert sync_registers(conn, folder) == ("targets",)
    own = ask(
        conn,
        "SELECT target_id, owner_region_code, name_sv, name_en, decided_on, valid_from, valid_to"
        " FROM register.target WHERE NOT is_national_line",
    )
    day = date(2024, 6, 17)
    assert own == [("tierp_2030", TIERP, "Prov", "Trial", day, day, None)]
    owners = "SELECT DISTINCT owner_region_code FROM register.target WHERE is_national_line"
    assert ask(conn, owners) == [(None,)]


def test_a_known_defect_comes_with_the_targets_and_goes_again(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    defects = folder / "known_defects.csv"
    head = defects.read_text(encoding="utf-8")
    defects.write_text(head + DEFECT, encoding="utf-8")
    assert sync_registers(conn, folder) == ("targets",)
    row = (
        "SELECT region_code, sector_code, years, substance, reason_en FROM register.known_defect "
        "WHERE defect_id = 'd1'"
    )
    assert ask(conn, row) == [(TIERP, "waste", [2021], "co2", "Wrong, says the publisher")]
    defects.write_text(head, encoding="utf-8")
    assert sync_registers(conn, folder) == ("targets",)
    assert ask(conn, row) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("members.csv", "0180,Stockholm", "0180,Göteborg"),
        ("members.csv", "0180,Stockholm,,,true", "0180,Stockholm,2022-06,,true"),
        ("targets.yaml", "targets: []", "targets: [{target_id: x}]"),
    ],
    ids=["another name", "a month for a day", "half a target"],
)
def test_a_wrong_file_carries_nothing_over(
    conn: PgConnection, folder: Path, file: str, old: str, new: str
) -> None:
    sync_registers(conn, folder)
    before = whole(conn)
    edit(folder / "members.csv", "0187,Vaxholm,,,true", "0187,Vaxholm,,,false")
    edit(folder / file, old, new)
    with pytest.raises(RegisterError, match=file):
        sync_registers(conn, folder)
    assert whole(conn) == before
