"""A home with published figures whose database is up, and Superset started in it by the real command."""

from __future__ import annotations

import shutil
import socket
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support import pipeline_run
from support.commands import Commands

from klimatpuls.local import processes, runtime, stack, superset
from klimatpuls.local.home import Home
from klimatpuls.local.superset import Superset
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EARLIER = date(2025, 12, 1)
AS_OF = date(2026, 5, 8)


@dataclass(frozen=True)
class Started:
    """Superset, and what the command that started it said."""

    superset: Superset
    said: str


@pytest.fixture(scope="session")
def home(
    small_archive: Path, whole_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    """A home of made-up figures, published twice; its database runs as `make up` leaves it."""
    archive = tmp_path_factory.mktemp("bi") / "archive"
    shutil.copytree(small_archive, archive)
    home = Home(archive.parent / "home")
    home.claim("synthetic")
    home.remember(sources="mock", archive=str(archive), as_of=AS_OF.isoformat())
    running = runtime.build_stack(home)
    running.start("up", runtime.DATABASE_ONLY, runtime.migrate_warehouse(home))
    try:
        dsn = runtime.warehouse_dsn(running, "wh_loader")
        with closing(connect(dsn)) as conn:
            assert (
                pipeline_run.refresh(conn, dsn, archive, pipeline_run.context_of(home.root, EARLIER))
                is not None
            )
            shutil.rmtree(archive)
            shutil.copytree(whole_archive, archive)
            assert (
                pipeline_run.refresh(conn, dsn, archive, pipeline_run.context_of(home.root, AS_OF))
                is not None
            )
        running.detach()
        yield home
    finally:
        running.stop()
        superset.stop(home)
        stack.stop(home)
        left = processes.of_home(home.root) | processes.of_home(home.root / superset.FOLDER)
        assert left == set()


@pytest.fixture(scope="session")
def bi_dsn(home: Home) -> str:
    """Address of the warehouse for ``bi_read``."""
    running = runtime.attach(home)
    assert running is not None
    return runtime.warehouse_dsn(running, "bi_read")


@pytest.fixture(scope="session")
def started(home: Home) -> Started:
    """Superset, started by `klimatpuls bi` while its usual port is taken."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", superset.USUAL_PORT))
            taken.listen()
        except OSError:  # somebody else has it, which is as good
            pass
        said = Commands(home.root).good("bi")
    return Started(Superset(home), said)
