"""A refusal belongs to who refused: another version of the parser reads the bytes again, by itself."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support import pipeline_run

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.fetch.http import open_session
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.pipeline import load, poll, snapshot, validate
from klimatpuls.pipeline.context import RunContext
from klimatpuls.pipeline.parser_version import parser_version
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

SCB_POPULATION = SOURCES["scb_population"]
pytestmark = pytest.mark.postgres

DAY = date(2026, 5, 8)
SCB = pipeline_run.unthrottled(SCB_POPULATION)
PAGE = b"<!DOCTYPE html><html><title>Tekniskt fel</title></html>"


@pytest.fixture
def conn(warehouse: Warehouse) -> Iterator[PgConnection]:
    with closing(connect(warehouse.loader_dsn)) as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    return RunContext(
        home=tmp_path / "home", origin="synthetic", as_of=DAY, now=datetime(2026, 5, 8, 7, tzinfo=UTC)
    )


@pytest.fixture
def server(small_archive: Path) -> Iterator[MockServer]:
    with MockServer(MockAgencies(small_archive, DAY)) as mock_server:
        yield mock_server


def ask(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(warehouse.admin_dsn)) as own, own, own.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


def seen(conn: PgConnection, server: MockServer, context: RunContext) -> poll.PollResult:
    with open_session(SCB, server.url + SCB.mock_path) as session:
        return poll.poll_source(conn, SCB, session, context)


def fetched(conn: PgConnection, server: MockServer, context: RunContext) -> snapshot.SnapshotResult:
    run_id = pipeline_run.begin(conn, SCB, context)
    marks = poll.fingerprints(conn, SCB)
    with open_session(SCB, server.url + SCB.mock_path) as session:
        result = snapshot.take_snapshots(conn, SCB, session, context, run_id=run_id)
    with conn:
        poll.note_fetched(conn, marks)
    return result


def retried(conn: PgConnection, context: RunContext) -> snapshot.SnapshotResult:
    return snapshot.adopt_refused(conn, SCB, run_id=pipeline_run.begin(conn, SCB, context))


def given(conn: PgConnection, context: RunContext, body: bytes, dataset: str = "scb_population") -> int:
    """A run with one body; its number."""
    run_id = pipeline_run.begin(conn, SCB, context)
    answer = Fetched(source=SCB.id, dataset=dataset, substance=None, url="https://example.org", parts=(body,))
    kept = snapshot._put(SCB, answer, context)
    assert snapshot._enter(conn, SCB, kept, run_id)
    return run_id


def refuse_as_before(
    conn: PgConnection, warehouse: Warehouse, run_id: int, rule: str, version: str | None = None
) -> None:
    """Leave every file of a run as a version of the parser did that refused it by a rule."""
    kept = f"'{version}'" if version else "NULL"
    ask(
        warehouse,
        f"""
        UPDATE ops.snapshot SET outcome = 'quarantined', parser_version = {kept}
        WHERE run_id = {run_id};
        WITH made AS (
            INSERT INTO ops.validation (run_id, dataset, substance, snapshot_sha256, verdict)
            SELECT run_id, dataset, substance, snapshot_sha256, 'quarantine' FROM ops.snapshot
            WHERE run_id = {run_id} RETURNING validation_id
        )
        INSERT INTO ops.validation_gate (validation_id, rule, severity, passed, message_sv, message_en)
        SELECT validation_id, '{rule}', 'hard', FALSE, 'Fel', 'The unit is not known' FROM made;
        """,
    )
    with conn:
        runs.set_run_state(conn, run_id, "quarantined", "refused")


@pytest.mark.parametrize("version", [None, "0123456789abcdef"], ids=["no version kept", "another version"])
def test_a_home_whose_population_was_refused_heals_by_itself(
    conn: PgConnection,
    warehouse: Warehouse,
    context: RunContext,
    server: MockServer,
    version: str | None,
) -> None:
    seen(conn, server, context)
    first = fetched(conn, server, context)
    refuse_as_before(conn, warehouse, first.run_id, "wrong_unit", version)
    assert ask(warehouse, "SELECT count(*) FROM core.dim_release") == [(0,)]

    noticed = seen(conn, server, context)
    assert noticed.has_news, "the agency has nothing new, and yet there is something to do"
    assert "were not read by this version of the parser" in noticed.detail
    again = fetched(conn, server, context)
    assert again.state == "fetched"
    result = load.load_run(conn, SCB, again.run_id, context)
    assert result.rows
    assert not result.quarantined
    verdict = validate.validate_run(conn, warehouse.loader_dsn, SCB, again.run_id, context)
    assert verdict.state == "validated"
    shown = "SELECT DISTINCT status FROM mart.data_status WHERE dataset = 'scb_population'"
    assert ask(warehouse, shown) == [("fresh",)]
    assert not seen(conn, server, context).has_news
    assert fetched(conn, server, context).state == "no_news"


def test_what_this_version_refused_is_not_read_again_by_itself(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, server: MockServer
) -> None:
    seen(conn, server, context)
    accepted = fetched(conn, server, context).run_id
    load.load_run(conn, SCB, accepted, context)
    validate.validate_run(conn, warehouse.loader_dsn, SCB, accepted, context)
    run_id = given(conn, context, PAGE)
    assert load.load_run(conn, SCB, run_id, context).quarantined
    with conn:
        runs.set_run_state(conn, run_id, "quarantined", "refused")
    kept = f"SELECT parser_version FROM ops.snapshot WHERE run_id = {run_id}"
    assert ask(warehouse, kept) == [(parser_version("scb_population"),)]
    assert not seen(conn, server, context).has_news
    assert fetched(conn, server, context).state == "no_news"


def test_bytes_the_agency_no_longer_sends_are_read_again_as_well(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, server: MockServer, small_archive: Path
) -> None:
    seen(conn, server, context)
    first = fetched(conn, server, context)
    old = ask(warehouse, f"SELECT snapshot_sha256 FROM ops.snapshot WHERE run_id = {first.run_id}")
    refuse_as_before(conn, warehouse, first.run_id, "wrong_unit")
    later = MockServer(MockAgencies(small_archive, date(2025, 5, 8)))
    with later:
        again = fetched(conn, later, context)
    assert {sha256 for (sha256,) in old} <= set(again.new_snapshots)
    result = load.load_run(conn, SCB, again.run_id, context)
    assert len(result.rows) >= len(old)


def test_what_is_refused_again_for_the_same_reason_is_told_to_nobody_twice(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, server: MockServer
) -> None:
    first = given(conn, context, PAGE)
    assert load.load_run(conn, SCB, first, context).quarantined
    ((rule,),) = ask(warehouse, "SELECT rule FROM ops.validation_gate")
    with conn:
        runs.set_run_state(conn, first, "quarantined", "refused")
    ask(warehouse, "UPDATE ops.snapshot SET parser_version = 'older'")

    again = retried(conn, context)
    result = load.load_run(conn, SCB, again.run_id, context)
    assert (result.rows, result.quarantined) == ({}, ())
    (said,) = result.refused_again
    assert "scb_population" in said
    state = f"SELECT state, detail FROM ops.source_run WHERE run_id = {again.run_id}"
    ((found, detail),) = ask(warehouse, state)
    assert found == "no_news"
    assert "refused again for the same reason" in detail
    assert ask(warehouse, "SELECT run_id, rule FROM ops.validation NATURAL JOIN ops.validation_gate") == [
        (first, rule)
    ]
    kept = "SELECT run_id, outcome, parser_version FROM ops.snapshot"
    assert ask(warehouse, kept) == [(first, "quarantined", parser_version("scb_population"))]
    (line,) = snapshot.read_refusals(conn, SCB)
    assert rule in line


def test_what_is_refused_for_another_reason_is_told_anew(
    conn: PgConnection, warehouse: Warehouse, context: RunContext
) -> None:
    first = given(conn, context, PAGE)
    refuse_as_before(conn, warehouse, first, "wrong_unit")
    again = retried(conn, context)
    result = load.load_run(conn, SCB, again.run_id, context)
    assert len(result.quarantined) == 1
    verdict = validate.validate_run(conn, warehouse.loader_dsn, SCB, again.run_id, context)
    shown = "\n".join(verdict.explanations)
    assert "klimatpuls source retry scb_population" in shown
    assert "Another version of it reads the file again by itself" in shown
    sha256 = ask(warehouse, "SELECT snapshot_sha256 FROM ops.snapshot")[0][0]
    manifest = f"snapshots/manifests/scb_population/scb_population/all/{sha256}.json"
    assert manifest in shown
    assert (context.home / manifest).is_file()


@pytest.mark.parametrize("kept", ["NULL", "'0123456789abcdef'"], ids=["no version kept", "another version"])
def test_a_release_that_a_gate_refused_is_read_again_by_a_mended_parser(
    conn: PgConnection,
    warehouse: Warehouse,
    context: RunContext,
    server: MockServer,
    monkeypatch: pytest.MonkeyPatch,
    kept: str,
) -> None:
    """The parser was at fault, not the file: what the mended one reads is another release."""
    seen(conn, server, context)
    first = fetched(conn, server, context)
    real = load._read

    def read_wrongly(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        content = found.content_sha256[::-1]
        return replace(found, release_id=f"{found.release_id[:-8]}{content[:8]}", content_sha256=content)

    with monkeypatch.context() as patch:
        patch.setattr(load, "_read", read_wrongly)
        wrong = set(load.load_run(conn, SCB, first.run_id, context).rows)
    ask(warehouse, "UPDATE core.dim_release SET state = 'quarantined'")
    ask(warehouse, f"UPDATE ops.snapshot SET parser_version = {kept}")
    with conn:
        runs.set_run_state(conn, first.run_id, "quarantined", "refused")

    assert seen(conn, server, context).has_news
    again = fetched(conn, server, context)
    assert again.state == "fetched"
    right = set(load.load_run(conn, SCB, again.run_id, context).rows)
    assert len(right) == len(wrong) > 0
    assert not right & wrong
    states = "SELECT release_id, state FROM core.dim_release"
    assert dict(ask(warehouse, states)) == {
        **dict.fromkeys(wrong, "quarantined"),
        **dict.fromkeys(right, "loaded"),
    }


def test_a_release_that_a_gate_refused_is_read_once_by_each_version(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, server: MockServer
) -> None:
    seen(conn, server, context)
    first = fetched(conn, server, context)
    refused = set(load.load_run(conn, SCB, first.run_id, context).rows)
    ask(warehouse, "UPDATE core.dim_release SET state = 'quarantined'")
    with conn:
        runs.set_run_state(conn, first.run_id, "quarantined", "refused")
    assert fetched(conn, server, context).state == "no_news", "this very version read them"
    assert len(snapshot.read_refusals(conn, SCB)) == len(refused)

    ask(warehouse, "UPDATE ops.snapshot SET parser_version = NULL")
    again = fetched(conn, server, context)
    assert again.state == "fetched"
    result = load.load_run(conn, SCB, again.run_id, context)
    assert (result.rows, set(result.known)) == ({}, refused)
    states = "SELECT DISTINCT state FROM core.dim_release"
    assert ask(warehouse, states) == [("quarantined",)]
    with conn:
        runs.set_run_state(conn, again.run_id, "no_news", "the same content")
    assert not seen(conn, server, context).has_news
    assert fetched(conn, server, context).state == "no_news"
    assert len(snapshot.read_refusals(conn, SCB)) == len(refused)


def test_a_retry_reads_what_this_very_version_refused_and_asks_no_agency(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, server: MockServer
) -> None:
    first = fetched(conn, server, context)
    refuse_as_before(conn, warehouse, first.run_id, "wrong_unit", parser_version("scb_population"))
    server.log.clear()
    again = retried(conn, context)
    assert again.state == "fetched"
    assert load.load_run(conn, SCB, again.run_id, context).rows
    assert server.log == []
    assert snapshot.read_refusals(conn, SCB) == ()
    validate.validate_run(conn, warehouse.loader_dsn, SCB, again.run_id, context)
    done = retried(conn, context)
    assert (done.state, done.detail) == ("no_news", "no kept file of this source is refused")


def test_what_a_killed_run_left_unread_is_read_by_the_next(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, server: MockServer
) -> None:
    seen(conn, server, context)
    killed = given(conn, context, PAGE)
    with conn:
        runs.set_run_state(conn, killed, "failed", "killed before its load")
    load.load_run(conn, SCB, fetched(conn, server, context).run_id, context)
    assert ask(warehouse, "SELECT count(*) FROM ops.snapshot WHERE outcome IS NULL") == [(0,)]
    assert ask(warehouse, "SELECT count(*) FROM ops.snapshot WHERE outcome = 'quarantined'") == [(1,)]


def test_a_backfill_reads_what_another_version_refused(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, server: MockServer
) -> None:
    first = fetched(conn, server, context)
    refuse_as_before(conn, warehouse, first.run_id, "wrong_unit")
    run_id = pipeline_run.begin(conn, SCB, context)
    assert snapshot.adopt_kept(conn, SCB, context, run_id=run_id, kept_as_of=DAY).state == "fetched"


def test_the_command_names_what_stays_refused_and_ends_with_5(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver of the DAG runs is stood in for: it reads what the configuration asks for."""
    from contextlib import contextmanager
    from types import SimpleNamespace

    from klimatpuls.cli import session
    from klimatpuls.errors import EXIT_DONE, EXIT_QUARANTINE, UsageError
    from klimatpuls.local import runtime

    first = given(conn, context, PAGE)
    load.load_run(conn, SCB, first, context)
    said: list[str] = []
    asked: list[tuple[Any, ...]] = []

    @contextmanager
    def running(*_: object) -> Iterator[None]:
        yield None

    def refresh(_stack: object, _say: object, sources: list[str], conf: dict[str, Any]) -> Any:
        asked.append((sources, conf))
        again = retried(conn, context)
        if again.state == "fetched":
            load.load_run(conn, SCB, again.run_id, context)
        return SimpleNamespace(exit_code=EXIT_DONE)

    monkeypatch.setattr(session, "_running", running)
    monkeypatch.setattr(session, "_refresh", refresh)
    monkeypatch.setattr(runtime, "warehouse_dsn", lambda *_: warehouse.loader_dsn)
    home: Any = None
    assert session.retry_source(home, "scb_population", said.append) == EXIT_QUARANTINE
    assert asked == [(["scb_population"], {"retry_refused": True})]
    (line,) = said
    assert "scb_population all (file " in line
    assert "expected JSON" in line
    ask(warehouse, "DELETE FROM ops.snapshot")
    assert session.retry_source(home, "scb_population", said.append) == EXIT_DONE
    assert len(said) == 1
    with pytest.raises(UsageError, match="no_such"):
        session.retry_source(home, "no_such", said.append)


def test_a_file_given_again_that_this_version_refused_is_not_taken_for_known(
    conn: PgConnection, warehouse: Warehouse, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stack is stood in for: the refresh finds known bytes and has nothing to do."""
    from contextlib import contextmanager
    from types import SimpleNamespace

    from klimatpuls.cli import session
    from klimatpuls.errors import EXIT_DONE, EXIT_QUARANTINE
    from klimatpuls.local import runtime
    from klimatpuls.pipeline.recognise_file import FileIdentity

    load.load_run(conn, SCB, given(conn, context, PAGE), context)
    said: list[str] = []

    @contextmanager
    def running(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(as_of=DAY)

    monkeypatch.setattr(session, "_running", running)
    monkeypatch.setattr(session, "_refresh", lambda *_: SimpleNamespace(exit_code=EXIT_DONE))
    monkeypatch.setattr(session, "_check_origin", lambda *_: None)
    monkeypatch.setattr(runtime, "warehouse_dsn", lambda *_: warehouse.loader_dsn)
    monkeypatch.setattr(runtime, "run_context", lambda *_: context)
    home: Any = None
    known = FileIdentity(source=SCB.id, dataset="scb_population", substance=None)
    for body, expected in ((PAGE, EXIT_QUARANTINE), (b"{}", EXIT_DONE)):
        said.clear()
        file = snapshot.RecognisedFile(name="page.json", body=body, known=known, is_synthetic=True)
        assert session.ingest_file(home, file, said.append) == expected
        shown = [line for line in said if line.startswith("refused: ")]
        assert len(shown) == (expected == EXIT_QUARANTINE)
    assert ask(warehouse, "SELECT count(*) FROM ops.snapshot") == [(1,)]
