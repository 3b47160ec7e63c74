"""A part of a source that cannot be fetched: reported, asked for again, and no matter of another part."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.pipeline_run import begin, unthrottled

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import FetchError
from klimatpuls.fetch.http import Limits, StatusError, open_session
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.mock_agencies.wire import page_reply
from klimatpuls.pipeline import load, poll, snapshot
from klimatpuls.pipeline.context import RunContext
from klimatpuls.sources import scb_population
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.mock_agencies.wire import Reply, Request

pytestmark = pytest.mark.postgres

DAY = date(2026, 5, 8)
SCB, SMHI = unthrottled(SOURCES["scb_population"]), unthrottled(SOURCES["smhi_emissions"])
FIRST, SECOND = ("scb_population", "all"), ("scb_population_ckm", "all")
QUICK = Limits(retries=0, backoff_seconds=0.01)


@pytest.fixture
def conn(warehouse: Warehouse) -> Iterator[PgConnection]:
    with closing(connect(warehouse.loader_dsn)) as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    now = datetime(2026, 5, 8, 7, tzinfo=UTC)
    return RunContext(home=tmp_path / "home", origin="live", as_of=DAY, now=now)


@pytest.fixture
def server(small_archive: Path) -> Iterator[MockServer]:
    with MockServer(MockAgencies(small_archive, DAY)) as running:
        yield running


def without(part: str) -> Callable[[str, Request, Callable[[Request], Reply]], Reply]:
    """Agencies that do not have what is under a part of a path."""

    def change(agency: str, request: Request, answer: Callable[[Request], Reply]) -> Reply:
        return page_reply(404, "Sidan finns inte") if part in request.path else answer(request)

    return change


def fetch(
    conn: PgConnection, server: MockServer, source: Any, context: RunContext
) -> snapshot.SnapshotResult:
    run_id = begin(conn, source, context)
    with open_session(source, server.url + source.mock_path, limits=QUICK) as session:
        return snapshot.take_snapshots(conn, source, session, context, run_id=run_id)


def see(conn: PgConnection, server: MockServer, context: RunContext) -> poll.PollResult:
    with open_session(SCB, server.url + SCB.mock_path, limits=QUICK) as session:
        return poll.poll_source(conn, SCB, session, context)


def failed_runs(conn: PgConnection) -> list[str]:
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT detail FROM ops.source_run WHERE state = 'failed' ORDER BY run_id")
        return [detail for (detail,) in cursor.fetchall()]


def test_the_other_part_is_fetched_and_the_failure_has_a_run_of_its_own(
    conn: PgConnection, server: MockServer, context: RunContext
) -> None:
    server.change = without("/tables/TAB638/data")
    result = fetch(conn, server, SCB, context)
    assert (result.state, len(result.new_snapshots)) == ("fetched", 1)
    assert set(result.failed) == {FIRST}
    ((message),) = failed_runs(conn)
    assert message == result.failed[FIRST]
    assert message.startswith("scb_population was not fetched: scb_population: POST http://127.0.0.1:")
    assert "HTTP 404" in message
    assert "What to do: " in message


def test_a_failure_without_anything_new_is_the_failure_of_the_run(
    conn: PgConnection, server: MockServer, context: RunContext
) -> None:
    load.load_run(conn, SCB, fetch(conn, server, SCB, context).run_id, context)
    server.change = without("/tables/TAB638/data")
    with pytest.raises(StatusError, match="HTTP 404"):
        fetch(conn, server, SCB, context)
    assert failed_runs(conn) == [], "whoever runs the task closes its run"


def test_an_agency_in_trouble_is_left_alone_after_two_failures(
    conn: PgConnection, server: MockServer, context: RunContext
) -> None:
    server.change = without("/getexcelfile")
    with pytest.raises(FetchError) as failed:
        fetch(conn, server, SMHI, context)
    assert len(server.log) == snapshot.GIVEN_UP_AFTER
    said = str(failed.value).split("\n\n")
    assert said[0].startswith("smhi_emissions ghg was not fetched: ")
    assert said[-1] == "smhi_emissions sf6 was not fetched, after 2 failures in a row"
    assert len(said) == len(SMHI.datasets[0].substances)


def test_a_fault_of_ours_is_its_part_s_alone_too(
    conn: PgConnection, server: MockServer, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_fetch = scb_population.fetch

    def fetch_or_break(session: Any, base_url: str, dataset: str, *rest: Any, **named: Any) -> Any:
        if dataset == FIRST[0]:
            raise KeyError("values")
        return really_fetch(session, base_url, dataset, *rest, **named)

    monkeypatch.setattr(scb_population, "fetch", fetch_or_break)
    result = fetch(conn, server, SCB, context)
    assert result.state == "fetched"
    assert result.failed == {FIRST: "scb_population was not fetched: KeyError: 'values'"}


def test_a_poll_that_fails_hides_no_news_of_another_part(
    conn: PgConnection, server: MockServer, context: RunContext
) -> None:
    server.change = without("/tables/TAB638")
    seen = see(conn, server, context)
    assert seen.has_news
    assert set(seen.failed) == {FIRST}
    assert "scb_population_ckm: changed" in seen.detail

    marks = poll.fingerprints(conn, SCB)
    fetch(conn, server, SCB, context)
    with conn:
        poll.note_fetched(conn, marks)
    with pytest.raises(FetchError, match="TAB638"):
        see(conn, server, context)
    server.change = None
    assert see(conn, server, context).has_news, "what failed is asked for again"
