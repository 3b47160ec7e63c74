"""Which agencies `klimatpuls source check` asks: the real ones, or those that a state directory asks."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls import clock
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.local import runtime
from klimatpuls.operations.check_sources import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import date

    from klimatpuls.local.home import Home


def at_the_agencies() -> AbstractContextManager[Place]:
    """The real agencies, as of today."""
    base_urls = {source.conn_id: source.live_base_url for source in SOURCES.values()}
    return nullcontext(Place(base_urls=base_urls, as_of=_today()))


@contextmanager
def at_what_a_home_asks(home: Home) -> Iterator[Place]:
    """The agencies that the tasks of a state directory ask, as of their day.

    It starts no database. Mock agencies are those of the running stack, or run for this block only.
    """
    running = runtime.attach(home)
    if running is not None:
        as_of = running.as_of or _today()
        yield Place(base_urls=running.base_urls, as_of=as_of, mock_ca=running.mock_ca)
        return
    with _mock_agencies(home) if home.config.sources == "mock" else at_the_agencies() as place:
        yield place


@contextmanager
def _mock_agencies(home: Home) -> Iterator[Place]:
    """Mock agencies for a state directory without a running stack; they run for this block only."""
    from klimatpuls.mock_agencies.certificates import make_certificate
    from klimatpuls.mock_agencies.conditions import AS_RECORDED, PLAIN
    from klimatpuls.mock_agencies.server import MockAgencies, MockServer

    archive = runtime.archive_to_serve(home)
    stack = runtime.build_stack(home)
    with tempfile.TemporaryDirectory(prefix="klimatpuls-check-") as folder:
        certificate = make_certificate(Path(folder), clock.utc_now()) if stack.is_as_recorded else None
        conditions = AS_RECORDED if stack.is_as_recorded else PLAIN
        agencies = MockAgencies(archive, stack.as_of)
        agencies.read()  # a folder that is no archive fails here once, not once per source
        with MockServer(agencies, conditions=conditions, certificate=certificate) as server:
            yield Place(
                base_urls={source.conn_id: server.url + source.mock_path for source in SOURCES.values()},
                as_of=stack.as_of or _today(),
                mock_ca=certificate.authority if certificate else None,
            )


def _today() -> date:
    return clock.stockholm_date(clock.utc_now())
