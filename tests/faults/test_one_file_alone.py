"""One bad file never stops another: every one beside a good release of the same run, which is published."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support import pipeline_run
from support.hostile_files import HOSTILE

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.files import isolation
from klimatpuls.files.isolation import IsolationError
from klimatpuls.mock_agencies import workbook
from klimatpuls.pipeline import load, publish, read_file, snapshot, validate
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Published
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.read_file import Read

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
pytestmark = pytest.mark.postgres

LATER = date(2026, 5, 9)


@pytest.fixture
def conn(published: Published) -> Iterator[PgConnection]:
    with closing(connect(published.warehouse.loader_dsn)) as opened:
        yield opened


@pytest.fixture(scope="module")
def good_book(good: Published) -> bytes:
    """Carbon dioxide of the day after, sound in every respect."""
    return book(good, "co2")


def book(good: Published, substance: str, factor: float = 1.0) -> bytes:
    (path,) = (good.archive / "smhi").glob("GGT*2026*.xlsx")
    parsed = smhi_emissions.parse([path.read_bytes()], "smhi_emissions", "ghg")
    above = workbook.preamble("ghg", LATER, parsed.years)
    rows = workbook.preamble(substance, LATER, parsed.years)
    rows += pipeline_run.sheet_rows(parsed, LATER, factor)[len(above) :]
    return workbook.build_workbook(rows, sheet_name=substance)


def begin(conn: PgConnection, published: Published, bodies: dict[str, bytes]) -> int:
    """A run that fetched one workbook per substance."""
    run_id = pipeline_run.begin(conn, SMHI_EMISSIONS, published.context)
    for substance, body in bodies.items():
        fetched = Fetched(
            source="smhi_emissions",
            dataset="smhi_emissions",
            substance=substance,
            url="https://example.org",
            parts=(body,),
        )
        kept = snapshot._put(SMHI_EMISSIONS, fetched, published.context)
        assert snapshot._enter(conn, SMHI_EMISSIONS, kept, run_id)
    return run_id


def evaluated(conn: PgConnection, published: Published, run_id: int) -> validate.ValidationResult:
    return validate.validate_run(
        conn, published.warehouse.loader_dsn, SMHI_EMISSIONS, run_id, published.context
    )


def ask(published: Published, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as own, own, own.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def check_that_the_good_one_is_published(
    conn: PgConnection, published: Published, run_id: int, rules: set[str], *words: str
) -> None:
    result = evaluated(conn, published, run_id)
    assert result.state == "quarantined"
    (good_one,) = result.publishable
    assert "-co2-" in good_one
    message = "\n".join(result.explanations)
    assert any(rule in message for rule in rules), message
    for word in (*words, "smhi_emissions ghg", "klimatpuls source retry smhi_emissions", "klimatpuls ingest"):
        assert word in message
    made = publish.publish_validated(conn, published.context, pipeline_run.LIST_ADDRESS)
    assert made is not None
    assert good_one in made.release_ids
    assert ask(published, f"SELECT is_current FROM mart.release WHERE release_id = '{good_one}'") == [(True,)]
    refused = f"SELECT substance FROM ops.snapshot WHERE run_id = {run_id} AND outcome = 'quarantined'"
    assert ask(published, refused) == [("ghg",)]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_quarantined_alone_and_soon(
    conn: PgConnection, published: Published, good_book: bytes, name: str
) -> None:
    make, rules = HOSTILE[name]
    run_id = begin(conn, published, {"co2": good_book, "ghg": make()})
    isolation.server("klimatpuls.pipeline.read_file", "klimatpuls.sources.smhi_emissions").call(
        int, what="warm"
    )
    began = time.process_time()
    result = load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert time.process_time() - began < 10
    assert len(result.rows) == 1
    (said,) = result.quarantined
    assert "ghg" in said
    check_that_the_good_one_is_published(conn, published, run_id, rules)


def without_a_value(read: Read) -> Read:
    """The text of the rows with one value taken out, as a parser at fault would hand over."""
    first, _, rest = read.rows.text.partition(b"\n")
    cells = first.split(b",")
    cells[list(read.rows.columns).index("emissions")] = b""
    return replace(read, rows=replace(read.rows, text=b",".join(cells) + b"\n" + rest))


def with_a_row_twice(read: Read) -> Read:
    first, _, rest = read.rows.text.partition(b"\n")
    text = first + b"\n" + first + b"\n" + rest
    return replace(read, rows=replace(read.rows, text=text, count=read.rows.count + 1))


def with_a_word_for_a_year(read: Read) -> Read:
    first, _, rest = read.rows.text.partition(b"\n")
    cells = first.split(b",")
    cells[list(read.rows.columns).index("year")] = b'"in spring"'
    return replace(read, rows=replace(read.rows, text=b",".join(cells) + b"\n" + rest))


def with_a_row_too_few(read: Read) -> Read:
    return replace(read, rows=replace(read.rows, count=read.rows.count + 1))


def with_a_name_that_is_taken(read: Read) -> Read:
    """Another content under the name of a release that is there."""
    return replace(read, release_id=with_a_name_that_is_taken.name)  # type: ignore[attr-defined]


FAULTS: dict[str, tuple[Callable[[Any], Any], tuple[str, ...]]] = {
    "a missing value": (without_a_value, ("NotNullViolation", "emissions")),
    "a row twice": (with_a_row_twice, ("UniqueViolation", "already exists", "core.fct_emission_r")),
    "a word for a year": (with_a_word_for_a_year, ("InvalidTextRepresentation", "in spring")),
    "fewer rows than sent": (with_a_row_too_few, ("RowCountError", "arrived")),
    "a name that is taken": (
        with_a_name_that_is_taken,
        ("UniqueViolation", "core.dim_release", "dim_release_pkey"),
    ),
}


@pytest.mark.parametrize("order", [("co2", "ghg"), ("ghg", "co2")], ids=["first the good", "last the good"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_database_refuses_costs_its_own_file_only(
    conn: PgConnection,
    published: Published,
    good_book: bytes,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    order: tuple[str, ...],
) -> None:
    spoil, words = FAULTS[fault]
    ((taken,),) = ask(published, "SELECT min(release_id) FROM core.dim_release WHERE substance = 'ghg'")
    with_a_name_that_is_taken.name = taken  # type: ignore[attr-defined]
    bodies = {"co2": good_book, "ghg": book(published, "ghg", 1.001)}
    run_id = begin(conn, published, bodies)
    real, in_order = load._read, load._snapshots

    def read(source: Any, kept: Any, *rest: Any) -> Read:
        found = real(source, kept, *rest)
        return spoil(found) if kept.substance == "ghg" else found

    monkeypatch.setattr(load, "_read", read)
    monkeypatch.setattr(
        load,
        "_snapshots",
        lambda *given: sorted(in_order(*given), key=lambda one: order.index(one.substance)),
    )
    result = load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert len(result.rows) == len(result.quarantined) == 1
    for word in words:
        assert word in result.quarantined[0]
    facts = f"SELECT DISTINCT release_id FROM core.fct_emission WHERE run_id = {run_id}"
    assert ask(published, facts) == [(release,) for release in result.rows]
    count = f"SELECT count(*) FROM core.fct_emission WHERE run_id = {run_id}"
    assert ask(published, count) == [(rows,) for rows in result.rows.values()]
    assert load.load_run(conn, SMHI_EMISSIONS, run_id, published.context).rows == result.rows
    check_that_the_good_one_is_published(conn, published, run_id, {"database_refused"}, words[0])


def test_a_key_twice_is_told_with_its_rows_before_the_database_sees_it(good: Published) -> None:
    import pandas as pd

    parsed = smhi_emissions.parse([book(good, "ghg")], "smhi_emissions", "ghg")
    twice = replace(
        parsed,
        rows=pd.concat([parsed.rows, parsed.rows.iloc[[5]]], ignore_index=True),
        rows_read=parsed.rows_read + 1,
    )
    with pytest.raises(read_file.SourceFormatError) as caught:
        read_file.prepare(twice, 1, "f" * 64)
    assert caught.value.rule == "duplicate_key"
    row = parsed.rows.iloc[5]
    assert f"row {row['sheet_row']}: region_code {row['region_code']}" in str(caught.value)


def test_lost_cells_are_a_fault_of_the_parser_and_of_no_other_file(good: Published) -> None:
    parsed = smhi_emissions.parse([book(good, "ghg")], "smhi_emissions", "ghg")
    with pytest.raises(read_file.SourceFormatError, match="fault of the parser") as caught:
        read_file.prepare(replace(parsed, rows_read=parsed.rows_read + 1), 1, "f" * 64)
    assert caught.value.rule == "lost_cells"


def test_a_lost_connection_is_no_fault_of_a_file(
    conn: PgConnection, published: Published, good_book: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begin(conn, published, {"co2": good_book, "ghg": book(published, "ghg", 1.001)})
    real = load.loader.copy_rows

    def cut(cursor: Any, target: Any, rows: Any) -> int:
        with closing(psycopg2.connect(published.warehouse.admin_dsn)) as own, own, own.cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
        return real(cursor, target, rows)

    monkeypatch.setattr(load.loader, "copy_rows", cut)
    with pytest.raises((psycopg2.OperationalError, psycopg2.InterfaceError)):
        load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    unread = f"SELECT count(*) FROM ops.snapshot WHERE run_id = {run_id} AND outcome IS NULL"
    assert ask(published, unread) == [(2,)]
    monkeypatch.setattr(load.loader, "copy_rows", real)
    with closing(connect(published.warehouse.loader_dsn)) as again:
        assert len(load.load_run(again, SMHI_EMISSIONS, run_id, published.context).rows) == 2


def test_a_reading_process_that_cannot_start_is_no_fault_of_a_file(
    conn: PgConnection, published: Published, good_book: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begin(conn, published, {"co2": good_book})
    with monkeypatch.context() as patch:
        patch.setattr(load, "_needed", lambda _: ("klimatpuls.no_such_module",))
        isolation._close_own()
        with pytest.raises(IsolationError):
            load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    isolation._close_own()
    assert load.load_run(conn, SMHI_EMISSIONS, run_id, published.context).rows


def test_what_a_parser_noted_is_told_with_the_run(conn: PgConnection, published: Published) -> None:
    (path,) = (published.archive / "smhi").glob("GGT*2026*.xlsx")
    parsed = smhi_emissions.parse([path.read_bytes()], "smhi_emissions", "ghg")
    rows = workbook.preamble("co2", LATER, parsed.years)
    above = len(workbook.preamble("ghg", LATER, parsed.years))
    rows[0][1] = "Länsrapport, 9 maj 2026"
    rows += pipeline_run.sheet_rows(parsed, LATER)[above:]
    body = workbook.build_workbook(rows, sheet_name="co2")
    run_id = begin(conn, published, {"co2": body})
    result = load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert any("9 maj 2026" in note for note in result.notes)
    evaluated(conn, published, run_id)
    ((detail,),) = ask(published, f"SELECT detail FROM ops.source_run WHERE run_id = {run_id}")
    assert "note: smhi_emissions-co2-2026-05-09-" in detail
    assert "9 maj 2026" in detail


def test_of_many_notes_the_first_are_shown_and_the_others_counted() -> None:
    notes = [f"release: note {number} " + "word " * 100 for number in range(9)]
    shown = runs.notes_in_short(notes)
    assert len(shown) == runs.NOTES_SHOWN + 1
    assert all(len(line) <= runs.NOTE_LENGTH + len("note: ") for line in shown)
    assert shown[-1] == "3 more notes (core.dim_release.notes)"
    assert runs.notes_in_short(notes[:1])[-1].startswith("note: release: note 0")
    assert runs.notes_in_short(()) == []


LOST = "no figure of buses came; all else was read. What to do: look for them"


def test_a_part_that_is_missing_waits_to_be_told_from_the_moment_its_release_is_there(
    conn: PgConnection, published: Published, good_book: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load._read

    def read(source: Any, kept: Any, *rest: Any) -> Read:
        found = real(source, kept, *rest)
        return replace(found, notes=(*found.notes, LOST), losses=(LOST,))

    def die(*given: Any) -> None:
        raise KeyboardInterrupt

    notices = "SELECT source, state, findings FROM ops.operator_notice WHERE notice_key LIKE '%.lost-%'"
    monkeypatch.setattr(load, "_read", read)
    run_id = begin(conn, published, {"co2": good_book, "ghg": book(published, "ghg", 1.001)})
    with monkeypatch.context() as patch:
        patch.setattr(runs, "set_run_state", die)
        with pytest.raises(KeyboardInterrupt):
            load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert ask(published, notices) == [], "neither the release nor its notice is there"
    result = load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert len(result.rows) == 2
    assert result.losses == (LOST,)
    assert ask(published, notices) == [("smhi_emissions", "pending", [LOST])]
    again = load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert again.losses == (), "what an earlier call queued is not reported by this one"
    following = begin(conn, published, {"co2": book(published, "co2", 1.002)})
    assert load.load_run(conn, SMHI_EMISSIONS, following, published.context).losses == (LOST,)
    assert len(ask(published, notices)) == 1, "the same part is one matter, however many releases lack it"


def test_a_part_that_is_missing_stands_among_the_notes_of_its_release(good: Published) -> None:
    parsed = smhi_emissions.parse([book(good, "ghg")], "smhi_emissions", "ghg")
    read = read_file.prepare(replace(parsed, notes=("a note",), losses=(LOST,)), 1, "f" * 64)
    assert read.notes == ("a note", LOST)
    assert read.losses == (LOST,)
    assert read_file.prepare(replace(parsed, notes=(LOST,), losses=(LOST,)), 1, "f" * 64).notes == (LOST,)
