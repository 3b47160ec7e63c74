"""Sets up a state directory and its stack for one command: options, origin, archive."""

from __future__ import annotations

import os
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klimatpuls import clock
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import FetchError, KlimatpulsError, UsageError
from klimatpuls.local.control import running_supervisor
from klimatpuls.local.home import READING, Home, HomeInUseError, read_json
from klimatpuls.local.run_options import AS_RECORDED, BUNDLED, mock_conditions
from klimatpuls.local.stack import Stack
from klimatpuls.local.supervisor import STATE_FILE
from klimatpuls.pipeline.context import AIR_POLLUTANTS_VARIABLE, RunContext, air_pollutants
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from psycopg2.extensions import cursor as PgCursor

    from klimatpuls.local.postgres import Cluster
    from klimatpuls.local.run_options import RunOptions

PROJECT = Path(__file__).resolve().parents[3]
DATABASE_ONLY: frozenset[str] = frozenset()
GUEST_PATIENCE = 20.0
"""Seconds that a reading command waits for the database that another command is starting."""


def are_agencies_reachable() -> bool:
    """Return whether every agency of the catalogue answers, with any status; one short try each."""
    from klimatpuls.fetch.http import Limits, StatusError, open_session

    probe = Limits(retries=0, connect_seconds=3.0, read_seconds=5.0, total_seconds=8.0)
    for source in {source.live_base_url: source for source in SOURCES.values()}.values():
        with open_session(source, source.live_base_url, limits=probe) as session:
            try:
                session.get(session.base_url)
            except StatusError:
                continue
            except FetchError:
                return False
    return True


def open_home(options: RunOptions) -> Home:
    """Return the state directory of a run, with origin, sources and air pollutants stored in it.

    An error changes nothing.

    Raises:
        HomeInUseError: if another command uses it.
        WrongHomeError: if it holds figures of another origin.
        UsageError: if ``KLIMATPULS_MOCK`` has an unknown value.
    """
    home = Home(options.home)
    conditions = mock_conditions(os.environ, home.config.mock)
    with home.lock("run"):
        home.claim(options.origin)
        is_mock = options.sources == "mock"
        home.remember(
            sources=options.sources,
            archive=str(options.archive or BUNDLED) if is_mock else None,
            as_of=options.as_of.isoformat() if options.as_of else None,
            mock=conditions if is_mock else None,
            air_pollutants=home.named_air_pollutants(os.environ) or None,
        )
    return home


def existing_homes(var: Path) -> list[Home]:
    """Return the state directories in a folder: live, synthetic, then those of archives by name."""
    roots = [var / "live", var / "synthetic", *sorted(var.glob("archive-*"))]
    return [Home(root) for root in roots if (root / "config.json").is_file()]


def find_home(var: Path) -> Home:
    """Return the state directory of a command that names none.

    It is the one whose stack runs; else the live one, else the synthetic one, else the only one.

    Args:
        var: The folder of the default state directories.

    Raises:
        UsageError: if there is none, or several are possible; they are listed.
    """
    homes = existing_homes(var)
    up = [home for home in homes if attach(home) is not None]
    usual = [home for home in homes if home.root.name in ("live", "synthetic")][:1]
    meant = up or usual or homes
    if len(meant) == 1:
        return meant[0]
    if not homes:
        msg = f"no state directory in {var}: run `make run` first, or name one with --home or KLIMATPULS_HOME"
        raise UsageError(msg)
    listed = ", ".join(str(home.root) for home in meant)
    msg = f"name one of these state directories with --home or KLIMATPULS_HOME: {listed}"
    raise UsageError(msg)


def build_stack(home: Home, say: Callable[[str], None] = lambda _: None) -> Stack:
    """Return the stack of a state directory; its start makes the bundled archive if it is not complete."""
    return Stack(home, say=say, **_settings(home))


def _archive(home: Home) -> Path | None:
    """Return the archive folder of the mock agencies; None for live sources."""
    config = home.config
    if config.sources != "mock":
        return None
    is_bundled = config.archive in {None, BUNDLED}
    return home.root / "archive" if is_bundled else Path(str(config.archive))


def _settings(home: Home) -> dict[str, Any]:
    """Return the arguments of the stack that choose where its figures come from."""
    config = home.config
    is_bundled = config.sources == "mock" and config.archive in {None, BUNDLED}
    return {
        "sources": config.sources or "live",
        "archive": _archive(home),
        "make_archive": partial(_make_bundled_archive, home) if is_bundled else None,
        "as_of": datetime.fromisoformat(config.as_of).date() if config.as_of else None,
        "is_as_recorded": config.sources == "mock" and config.mock == AS_RECORDED,
    }


def _make_bundled_archive(home: Home) -> None:
    from klimatpuls.mock_agencies.archive import make_archive

    named = {AIR_POLLUTANTS_VARIABLE: home.named_air_pollutants(os.environ)}
    make_archive(home.root / "archive", pollutants=air_pollutants(named))


def archive_to_serve(home: Home) -> Path:
    """Return the archive folder of the mock agencies; the bundled one is made if it is missing.

    Raises:
        UsageError: if the folder no longer exists.
    """
    settings = _settings(home)
    if settings["make_archive"] is not None:
        settings["make_archive"]()
    archive: Path = settings["archive"]
    if not archive.is_dir():
        msg = f"{home.root} was made from the archive {archive}, which no longer exists"
        raise UsageError(msg)
    return archive


def migrate_warehouse(home: Home) -> Callable[[Cluster], None]:
    """Return a function that migrates the warehouse of a running cluster."""

    def migrate(cluster: Cluster) -> None:
        from klimatpuls.local.services import WAREHOUSE_DATABASE
        from klimatpuls.warehouse.migrate import LOGIN_ROLES
        from klimatpuls.warehouse.migrate import migrate as run

        secrets = home.secrets
        run(cluster.dsn(WAREHOUSE_DATABASE), {role: getattr(secrets, role) for role in LOGIN_ROLES})

    return migrate


def warehouse_dsn(stack: Stack, role: str) -> str:
    """Return the DSN of a role in the warehouse of a running stack."""
    from klimatpuls.local.services import WAREHOUSE_DATABASE

    return stack.cluster.dsn(WAREHOUSE_DATABASE, role, getattr(stack.home.secrets, role))


@contextmanager
def database(home: Home) -> Iterator[Stack]:
    """Yield a stack whose database runs, to read from.

    It is the running stack, else one started for this block. While `klimatpuls run` has the state directory,
    the block reads the database of that command, which ends with the command.

    Raises:
        HomeInUseError: if another command has the state directory and its database does not answer yet.
    """
    running = attach(home)
    if running is not None:
        yield running
        return
    with build_stack(home) as stack:
        try:
            stack.start(READING, DATABASE_ONLY, migrate_warehouse(home))
        except HomeInUseError:
            host = _host(home)
            if host is None:
                raise
            stack = host  # nothing was started that must be stopped
        yield stack


def _host(home: Home) -> Stack | None:
    """Return the stack of another command once its database answers; None if it does not in time."""
    import psycopg2

    deadline = time.monotonic() + GUEST_PATIENCE
    while time.monotonic() < deadline:
        host = _attach(home)
        if host is not None:
            try:
                with closing(connect(warehouse_dsn(host, "bi_read"))) as conn, conn.cursor() as cursor:
                    cursor.execute("SELECT FROM mart.release LIMIT 0")
            except psycopg2.Error:  # not started, or not migrated yet
                pass
            else:
                return host
        time.sleep(0.2)
    return None


@contextmanager
def reading(stack: Stack, role: str) -> Iterator[PgCursor]:
    """Yield a cursor of a role in the warehouse, in a transaction of its own.

    Raises:
        KlimatpulsError: if the server does not answer, or stops during the query.
    """
    import psycopg2

    try:
        with closing(connect(warehouse_dsn(stack, role))) as conn, conn, conn.cursor() as cursor:
            yield cursor
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        msg = (
            "the database stopped, because the command that ran it ended. Try again; `make up` keeps it "
            "running"
        )
        raise KlimatpulsError(msg) from None


def attach(home: Home) -> Stack | None:
    """Return the stack that ``make up`` left running in a state directory; None if none runs."""
    is_left_running = read_json(home.run / STATE_FILE).get("detached") is True
    return _attach(home) if is_left_running and running_supervisor(home) is not None else None


def _attach(home: Home) -> Stack | None:
    return Stack.attach(home, **_settings(home))


def run_context(home: Home, as_of: date | None) -> RunContext:
    """Return the context of a command that runs a step itself; this reads the clock."""
    now = clock.utc_now()
    return RunContext(
        home=home.root,
        origin=home.config.origin or "live",
        as_of=as_of or clock.stockholm_date(now),
        now=now.astimezone(UTC),
    )
