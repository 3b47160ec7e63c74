"""Agencies that stumble: asked again politely, and otherwise a failed fetch that leaves all as it was."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support.agency_faults import Faults
from support.pipeline_run import unthrottled

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import EXIT_FETCH, FetchError
from klimatpuls.fetch.http import Limits, open_session
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.pipeline import snapshot
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from conftest import Published

    from klimatpuls.pipeline.snapshot import SnapshotResult

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
pytestmark = pytest.mark.postgres

QUICK = Limits(backoff_seconds=0.01, backoff_max_seconds=0.02, retries=2)
FILE = "/api/getexcelfile"


def fetch(published: Published, base_url: str, waits: list[float]) -> SnapshotResult:
    """The step snapshot at an address, with a sleep that only records its seconds."""
    source, context = unthrottled(SMHI_EMISSIONS), published.context
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        with conn:
            run = runs.start_run(
                conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
            )
        with open_session(source, base_url, limits=QUICK, sleep=waits.append) as session:
            return snapshot.take_snapshots(conn, source, session, context, run_id=run.run_id)


def stumbling(published: Published, faults: Faults) -> MockServer:
    return MockServer(MockAgencies(published.archive, published.context.as_of), change=faults)


def kept_manifests(published: Published) -> list[str]:
    return [path.name for path in (published.context.home / "snapshots").rglob("*.json")]


def test_too_many_calls_waits_as_long_as_it_was_told_and_goes_on(published: Published) -> None:
    waits: list[float] = []
    with stumbling(published, Faults(route=FILE, too_many_first_n=1, retry_after_seconds=7)) as replica:
        result = fetch(published, replica.url + SMHI_EMISSIONS.mock_path, waits)
    assert result.state == "no_news"
    assert max(waits) >= 7


def test_half_a_body_is_never_kept(published: Published) -> None:
    with (
        stumbling(published, Faults(route=FILE, reset_half_way=True)) as replica,
        pytest.raises(FetchError) as failed,
    ):
        fetch(published, replica.url + SMHI_EMISSIONS.mock_path, [])
    assert "smhi_emissions" in str(failed.value)
    assert kept_manifests(published) == []
    assert published.digest() == published.good_digest


def test_an_agency_that_cannot_be_reached_is_a_failed_fetch(published: Published) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(FetchError) as failed:
            fetch(published, nowhere, [])
    assert failed.value.exit_code == EXIT_FETCH
    assert kept_manifests(published) == []
    assert published.digest() == published.good_digest
