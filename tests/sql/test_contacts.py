"""Contacts are personal data: read by the mailer alone, deleted on request, printed nowhere."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support.spreadsheets import minimal_workbook, row, zipped

from klimatpuls.errors import KlimatpulsError, UsageError
from klimatpuls.operations.contacts import forget, sync_contacts
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import check_folder
from klimatpuls.registers.contacts import read_contacts
from klimatpuls.registers.reading import RegisterError
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

pytestmark = pytest.mark.postgres

HEADER = "region_code,kind,role,address"
ROWS = (
    "0360,elected,Ordförande,kommunstyrelsen@example.org",
    "0360,official,Klimatstrateg,klimat@example.org",
    "1281,tjänsteperson,Miljöchef,miljo@example.org",
)
KEPT = [
    ("0360", "elected", "Ordförande", "kommunstyrelsen@example.org"),
    ("0360", "official", "Klimatstrateg", "klimat@example.org"),
    ("1281", "official", "Miljöchef", "miljo@example.org"),
]


@pytest.fixture
def conn(warehouse: Warehouse) -> Iterator[PgConnection]:
    with closing(connect(warehouse.mailer_dsn)) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "contacts.csv"
    file.write_text("\n".join([HEADER, *ROWS]) + "\n", encoding="utf-8")
    return file


def held(conn: PgConnection) -> list[tuple[Any, ...]]:
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT region_code, kind, role, address FROM person.contact ORDER BY 1, 2")
        return cursor.fetchall()


def deletions(conn: PgConnection) -> list[tuple[Any, ...]]:
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT region_code, contact_count, reason FROM person.deletion ORDER BY deletion_id")
        return cursor.fetchall()


def test_contacts_come_and_are_the_same_the_second_time(conn: PgConnection, path: Path) -> None:
    assert sync_contacts(conn, path, REGISTERS_FOLDER)
    assert held(conn) == KEPT
    assert not sync_contacts(conn, path, REGISTERS_FOLDER)
    assert deletions(conn) == []


def test_a_changed_contact_leaves_nothing_of_the_old_one(conn: PgConnection, path: Path) -> None:
    sync_contacts(conn, path, REGISTERS_FOLDER)
    path.write_text(path.read_text("utf-8").replace("klimat@", "energi@"), encoding="utf-8")
    assert sync_contacts(conn, path, REGISTERS_FOLDER)
    assert "energi@example.org" in {address for *_, address in held(conn)}
    assert "klimat@example.org" not in {address for *_, address in held(conn)}
    assert deletions(conn) == [], "the member still has the contact"


def test_what_leaves_the_file_is_deleted_and_only_that_is_noted(conn: PgConnection, path: Path) -> None:
    sync_contacts(conn, path, REGISTERS_FOLDER)
    path.write_text("\n".join([HEADER, ROWS[2]]) + "\n", encoding="utf-8")
    assert sync_contacts(conn, path, REGISTERS_FOLDER)
    assert held(conn) == KEPT[2:]
    assert deletions(conn) == [("0360", 2, "no longer in the file of contacts")]


@pytest.mark.parametrize(("kind", "left"), [(None, KEPT[2:]), ("official", [KEPT[0], KEPT[2]])])
def test_forgotten_contacts_are_gone_everywhere_and_stay_away(
    conn: PgConnection, path: Path, kind: str | None, left: list[tuple[str, ...]]
) -> None:
    sync_contacts(conn, path, REGISTERS_FOLDER)
    gone = 3 - len(left)
    assert forget(conn, "0360", kind=kind, reason="on request", path=path) == (gone, gone)
    assert held(conn) == left
    assert deletions(conn) == [("0360", gone, "on request")]
    assert not sync_contacts(conn, path, REGISTERS_FOLDER), "the file does not bring them back"
    assert len(read_contacts(path, check_folder())) == len(left)
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT d::text FROM person.deletion AS d")
        ((note,),) = cursor.fetchall()
    assert "example.org" not in note
    assert forget(conn, "0360", kind=kind, reason="again", path=path) == (0, 0)


@pytest.mark.parametrize(("region", "kind"), [("360", None), ("9999", None), ("0360", "boss")])
def test_a_slip_of_the_pen_deletes_nothing(
    conn: PgConnection, path: Path, region: str, kind: str | None
) -> None:
    sync_contacts(conn, path, REGISTERS_FOLDER)
    with pytest.raises(UsageError):
        forget(conn, region, kind=kind, reason="x", path=path)
    assert held(conn) == KEPT
    assert len(path.read_text("utf-8").splitlines()) == 4


def test_a_workbook_of_contacts_is_left_to_a_person(conn: PgConnection, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(zipped(minimal_workbook(row(1, *HEADER.split(",")))))
    with pytest.raises(UsageError, match="take the rows of 0360 out there"):
        forget(conn, "0360", kind=None, reason="x", path=path)


def test_an_internationalised_domain_is_kept_as_a_server_takes_it(conn: PgConnection, path: Path) -> None:
    path.write_text(f"{HEADER}\n0360,official,Klimatstrateg,miljö@örebro.example\n", encoding="utf-8")
    assert sync_contacts(conn, path, REGISTERS_FOLDER)
    encoded = "örebro.example".encode("idna").decode()
    assert held(conn) == [("0360", "official", "Klimatstrateg", f"miljö@{encoded}")]
    assert not sync_contacts(conn, path, REGISTERS_FOLDER)


@pytest.mark.parametrize("role", ["loader_dsn", "bi_dsn"])
@pytest.mark.parametrize("table", ["contact", "deletion"])
def test_nobody_but_the_mailer_reads_them(warehouse: Warehouse, role: str, table: str) -> None:
    with (
        closing(connect(getattr(warehouse, role))) as other,
        other.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute(f"SELECT * FROM person.{table}")


def test_the_mailer_changes_no_contact_in_place_and_no_note(conn: PgConnection) -> None:
    for statement in (
        "UPDATE person.contact SET role = ''",
        "DELETE FROM person.deletion",
        "SELECT * FROM register.member",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), conn, conn.cursor() as cursor:
            cursor.execute(statement)


def test_no_error_and_no_log_repeats_a_contact(
    conn: PgConnection, path: Path, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with closing(connect(warehouse.admin_dsn)) as admin, admin, admin.cursor() as cursor:
        cursor.execute("ALTER TABLE person.contact ADD CHECK (address NOT LIKE 'klimat@%')")
    with pytest.raises(KlimatpulsError) as refused:
        sync_contacts(conn, path, REGISTERS_FOLDER)
    assert held(conn) == []
    path.write_text(
        path.read_text("utf-8").replace("klimat@example.org", "anna.ek@example.org"), encoding="utf-8"
    )
    with pytest.raises(RegisterError) as unsound:
        sync_contacts(conn, path, REGISTERS_FOLDER)
    for text in (str(refused.value), str(unsound.value), caplog.text, repr(read_contacts)):
        assert "anna" not in text
        assert "kommunstyrelsen@" not in text
        assert "Klimatstrateg" not in text
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_no_file_of_contacts_lies_in_the_project() -> None:
    names = {file.name for file in REGISTERS_FOLDER.iterdir() if "contact" in file.name}
    assert names == {"contacts.example.csv"}
    text = (REGISTERS_FOLDER / "contacts.example.csv").read_text("utf-8")
    assert all(line.endswith("@example.org") for line in text.splitlines()[1:])
    assert len(read_contacts(REGISTERS_FOLDER / "contacts.example.csv", check_folder())) == 2
