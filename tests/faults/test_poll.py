"""The release watch: news is noticed once, nothing unchanged is fetched, kept bytes answer for the past."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from support.agency_faults import Faults
from support.pipeline_run import unthrottled

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import FetchError
from klimatpuls.fetch.http import Limits, open_session
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.pipeline import load, poll, snapshot
from klimatpuls.pipeline.context import RunContext
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

pytestmark = pytest.mark.postgres

BEFORE, AFTER = date(2025, 7, 1), date(2026, 5, 8)
SMHI, SCB = unthrottled(SOURCES["smhi_emissions"]), unthrottled(SOURCES["scb_population"])
WORKBOOK = "/smhi/api/getexcelfile/"


@pytest.fixture
def conn(warehouse: Warehouse) -> Iterator[PgConnection]:
    with closing(connect(warehouse.loader_dsn)) as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    now = datetime(2026, 5, 8, 7, tzinfo=UTC)
    return RunContext(home=tmp_path / "home", origin="synthetic", as_of=BEFORE, now=now)


def seen(conn: PgConnection, server: MockServer, source, context: RunContext) -> poll.PollResult:
    with open_session(source, server.url + source.mock_path) as session:
        return poll.poll_source(conn, source, session, context)


def fetched(conn: PgConnection, server: MockServer, source, context: RunContext) -> snapshot.SnapshotResult:
    with conn:
        run = runs.start_run(
            conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
        )
    marks = poll.fingerprints(conn, source)
    with open_session(source, server.url + source.mock_path) as session:
        result = snapshot.take_snapshots(conn, source, session, context, run_id=run.run_id)
    with conn:
        poll.note_fetched(conn, marks)
    return result


@pytest.mark.parametrize("source", [SMHI, SCB], ids=lambda source: source.id)
def test_news_is_seen_until_it_is_fetched_and_then_not_again(conn, context, small_archive, source) -> None:
    with MockServer(MockAgencies(small_archive, BEFORE)) as server:
        assert seen(conn, server, source, context).has_news
        assert seen(conn, server, source, context).has_news, "a fetch that never came leaves the news open"
        assert fetched(conn, server, source, context).state == "fetched"
        assert not seen(conn, server, source, context).has_news
    later = replace(context, as_of=AFTER)
    with MockServer(MockAgencies(small_archive, AFTER)) as server:
        assert seen(conn, server, source, later).has_news


def test_an_unchanged_workbook_costs_no_body_and_an_unchanged_table_no_figure(
    conn, context, small_archive
) -> None:
    with MockServer(MockAgencies(small_archive, BEFORE)) as server:
        for source in (SMHI, SCB):
            seen(conn, server, source, context)
            fetched(conn, server, source, context)
        server.log.clear()
        for source in (SMHI, SCB):
            assert not seen(conn, server, source, context).has_news
    assert {status for _, path, status in server.log if path == WORKBOOK} == {304, 404}
    assert not any(path.endswith(("/data", "/metadata")) for _, path, _ in server.log)


def test_a_poll_that_gets_no_answer_forgets_nothing(conn, context, small_archive) -> None:
    with MockServer(MockAgencies(small_archive, BEFORE)) as server:
        seen(conn, server, SCB, context)
        fetched(conn, server, SCB, context)
    with MockServer(MockAgencies(small_archive, BEFORE), change=Faults(too_many_first_n=99)) as server:
        limits, url = Limits(retries=1), server.url + SCB.mock_path
        with (
            open_session(SCB, url, limits=limits, sleep=lambda _: None) as session,
            pytest.raises(FetchError, match="scb_population"),
        ):
            poll.poll_source(conn, SCB, session, context)
    with MockServer(MockAgencies(small_archive, BEFORE)) as server:
        assert not seen(conn, server, SCB, context).has_news


def test_a_backfill_takes_what_was_kept_by_the_day_and_asks_nobody(
    conn, context, small_archive, warehouse
) -> None:
    for day in (BEFORE, AFTER):
        with MockServer(MockAgencies(small_archive, day)) as server:
            fetched(conn, server, SMHI, replace(context, as_of=day))
    # A warehouse that lost everything: the runs, and what came of the bytes.
    with closing(connect(warehouse.admin_dsn)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("TRUNCATE ops.source_run CASCADE")

    def kept(day: date) -> tuple[str, list[str]]:
        with conn:
            run = runs.start_run(
                conn, source=SMHI.id, origin="synthetic", as_of=AFTER, orchestrator_run=None
            ).run_id
        result = snapshot.adopt_kept(conn, SMHI, context, run_id=run, kept_as_of=day)
        rows = load.load_run(conn, SMHI, run, context).rows if result.state == "fetched" else {}
        with conn, conn.cursor() as cursor:
            cursor.execute("UPDATE core.dim_release SET state = 'validated'")
        return result.state, sorted(release[:29] for release in rows)

    assert kept(date(2025, 5, 5)) == ("not_yet_published", [])
    assert kept(BEFORE) == ("fetched", ["smhi_emissions-ghg-2025-05-06"])
    assert kept(BEFORE) == ("no_news", [])
    assert kept(AFTER) == ("fetched", ["smhi_emissions-ghg-2026-05-07"])
