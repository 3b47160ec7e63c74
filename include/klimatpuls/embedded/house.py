"""A home with its stack, set up for one command: choice made, origin claimed, archive made."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls import clock
from klimatpuls.catalog import SOURCES
from klimatpuls.embedded.choice import BUNDLED
from klimatpuls.embedded.home import Home
from klimatpuls.embedded.stack import Stack
from klimatpuls.errors import FetchError
from klimatpuls.hops.context import RunContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from klimatpuls.embedded.choice import Choice
    from klimatpuls.embedded.postgres import Cluster

PROJECT = Path(__file__).resolve().parents[3]
DATABASE_ONLY: frozenset[str] = frozenset()


def are_agencies_reachable() -> bool:
    """Whether every agency of the catalogue answers at all, whatever it says; one short try each."""
    from klimatpuls.http import Limits, StatusError, open_session

    probe = Limits(retries=0, connect_seconds=3.0, read_seconds=5.0, total_seconds=8.0)
    for source in SOURCES.values():
        with open_session(source, source.live_base_url, limits=probe) as session:
            try:
                session.get(session.base_url)
            except StatusError:
                continue
            except FetchError:
                return False
    return True


def open_home(choice: Choice) -> Home:
    """The home of a choice, stamped with its origin and remembering its sources.

    Raises:
        WrongHomeError: if it holds figures of another origin; nothing was changed then.
    """
    home = Home(choice.home)
    home.claim(choice.origin)
    home.remember(
        sources=choice.sources,
        archive=str(choice.archive) if choice.archive else BUNDLED if choice.sources == "replica" else None,
        as_of=choice.as_of.isoformat() if choice.as_of else None,
    )
    return home


def build_stack(home: Home, say: Callable[[str], None] = lambda _: None) -> Stack:
    """The stack of a home as its settings say; makes the bundled archive on first use."""
    config = home.config
    as_of = datetime.fromisoformat(config.as_of).date() if config.as_of else None
    archive = None
    if config.sources == "replica":
        archive = Path(config.archive or BUNDLED)
        if config.archive in {None, BUNDLED}:
            archive = _bundled_archive(home)
    return Stack(
        home,
        sources=config.sources or "live",
        archive=archive,
        as_of=as_of,
        live_urls={source.conn_id: source.live_base_url for source in SOURCES.values()},
        say=say,
    )


def _bundled_archive(home: Home) -> Path:
    from klimatpuls.replica.archive import make_archive

    return make_archive(home.root / "archive")


def migrate_warehouse(home: Home) -> Callable[[Cluster], None]:
    """What brings the home's warehouse up to date, given its running cluster."""

    def migrate(cluster: Cluster) -> None:
        from klimatpuls.embedded.services import WAREHOUSE_DATABASE
        from klimatpuls.warehouse.migrate import LOGIN_ROLES
        from klimatpuls.warehouse.migrate import migrate as run

        secrets = home.secrets
        run(cluster.dsn(WAREHOUSE_DATABASE), {role: getattr(secrets, role) for role in LOGIN_ROLES})

    return migrate


def warehouse_dsn(stack: Stack, role: str) -> str:
    """The DSN of a role in the warehouse of a running stack."""
    from klimatpuls.embedded.services import WAREHOUSE_DATABASE

    return stack.cluster.dsn(WAREHOUSE_DATABASE, role, getattr(stack.home.secrets, role))


@contextmanager
def database(home: Home) -> Iterator[Stack]:
    """The running stack of a home, or just its database, started for this block and stopped after it."""
    running = attach(home)
    if running is not None:
        yield running
        return
    with build_stack(home) as stack:
        stack.start("database", DATABASE_ONLY, migrate_warehouse(home))
        yield stack


def attach(home: Home) -> Stack | None:
    """The stack that ``make up`` left running in a home; None when none runs."""
    prepared = build_stack(home)
    return Stack.attach(
        home,
        sources=prepared.sources,
        archive=prepared.archive,
        as_of=prepared.as_of,
        live_urls=prepared.live_urls,
    )


def run_context(home: Home, as_of: date | None) -> RunContext:
    """The circumstances of a command that does a hop's work itself; the clock is read here."""
    now = clock.utc_now()
    return RunContext(
        home=home.root,
        origin=home.config.origin or "live",
        as_of=as_of or clock.stockholm_date(now),
        now=now.astimezone(UTC),
    )
