"""The local stack as one object: start it, use it, stop it.

A start makes PostgreSQL, the migrations of warehouse and metadata, the mail catcher, the mock agencies and
Airflow's services in the order that keeps two cores busy, and measures the seconds of each part.
"""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import UsageError
from klimatpuls.local import ports, processes, services
from klimatpuls.local.airflow_api import AirflowApi
from klimatpuls.local.control import Control, StackError, running_supervisor, stop_running
from klimatpuls.local.home import Home, read_json, write_json
from klimatpuls.local.postgres import ADMIN, Cluster, wait_ready
from klimatpuls.local.services import Addresses, Folders
from klimatpuls.local.supervisor import ADDRESS_FILE
from klimatpuls.mock_agencies.certificates import AUTHORITY
from klimatpuls.pipeline.context import AIR_POLLUTANTS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from klimatpuls.local.home import HomeLock

EVERYTHING = frozenset({"mail", "mock", "airflow"})
"""Parts that can be left out; PostgreSQL is always started."""
PASSED_ON = (
    "MAIL_APPROVAL",
    "KLIMATPULS_KEEP",
    "KLIMATPULS_REGISTERS",
    "KLIMATPULS_CONTACTS",
    "SITE_BASE_URL",
    "SITE_PDFS",
)
"""Settings of the environment that tasks get as they are."""
MIGRATION_PATIENCE = 300.0
"""Seconds that making or migrating Airflow's metadata may take (4 s on two idle cores)."""
AIRFLOW_PATIENCE = 120.0
"""Seconds Airflow may take to become healthy (9 s; a slow disk without byte code takes far longer)."""


class Stack:
    """The services of one state directory.

    Args:
        home: State directory; its secrets and settings are used.
        sources: ``live`` or ``mock``.
        archive: Archive folder the mock agencies serve; needed for ``mock``.
        make_archive: Makes that folder if it is missing or incomplete; called while the rest starts.
        as_of: Day the mock agencies answer as of and the runs use as today; ``None`` for today.
        is_as_recorded: Whether the mock agencies answer as the agencies' servers were recorded.
        folders: Folders of DAGs and plugins; the work tree's own if left out.
        say: Called with a line for the user, such as a replaced port.

    Attributes:
        timings: Seconds of each part of the last start.
    """

    def __init__(
        self,
        home: Home,
        *,
        sources: str,
        archive: Path | None = None,
        make_archive: Callable[[], None] | None = None,
        as_of: date | None = None,
        is_as_recorded: bool = False,
        folders: Folders | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        if sources not in ("live", "mock"):
            raise UsageError(f"sources must be live or mock, not {sources!r}")
        if sources == "mock" and (archive is None or not (make_archive or archive.is_dir())):
            raise UsageError(f"the mock agencies need an archive folder; {archive} is none")
        self.home = home
        self.sources = sources
        self.archive = archive.resolve() if archive else None
        self._make_archive = make_archive
        self.as_of = as_of
        self.is_as_recorded = is_as_recorded
        self.folders = folders or Folders.of_project()
        self.timings: dict[str, float] = {}
        self._say = say
        self._control: Control | None = None
        self._lock: HomeLock | None = None
        self._cluster: Cluster | None = None
        self._addresses: Addresses | None = None

    @property
    def cluster(self) -> Cluster:
        """The PostgreSQL cluster."""
        if self._cluster is None:
            raise StackError("the local database is not running")
        return self._cluster

    @property
    def has_cluster(self) -> bool:
        """Whether the cluster was found or made, running or not."""
        return self._cluster is not None

    @property
    def addresses(self) -> Addresses:
        """Ports of the services."""
        if self._addresses is None:
            raise StackError("the local stack is not running")
        return self._addresses

    @property
    def api(self) -> AirflowApi:
        """A client for the stack's Airflow."""
        url = f"http://{ports.LOOPBACK}:{self.addresses.airflow}"
        return AirflowApi(url, services.AIRFLOW_USER, self.home.secrets.airflow_admin)

    @property
    def base_urls(self) -> dict[str, str]:
        """Base URL by connection id: the agency's own, or the mock server's."""
        if self.sources == "live":
            return {source.conn_id: source.live_base_url for source in SOURCES.values()}
        port = self.addresses.mock
        return {
            source.conn_id: services.mock_url(source.mock_path, port, is_as_recorded=self.is_as_recorded)
            for source in SOURCES.values()
        }

    @property
    def mock_ca(self) -> Path | None:
        """Certificate of the authority that signs for the mock agencies; ``None`` without TLS."""
        return self.home.run / AUTHORITY if self.is_as_recorded else None

    @property
    def task_environment(self) -> dict[str, str]:
        """Variables that a task, or a command that does a task's work, needs beside the usual ones."""
        variables = services.connections(
            self.home, self.addresses, self.base_urls, self.cluster, mock_ca=self.mock_ca
        )
        variables["KLIMATPULS_HOME"] = str(self.home.root)
        variables["KLIMATPULS_ORIGIN"] = self.home.config.origin or "live"
        variables["KLIMATPULS_TASK_RETRIES"] = "0"  # a person waits, and the next run tries again
        variables[AIR_POLLUTANTS_VARIABLE] = self.home.named_air_pollutants(os.environ)
        # A PDF takes 40 ms of a core: a person who waits gets the members' ones, `klimatpuls site` makes all.
        variables["SITE_PDFS"] = "members"
        for name in PASSED_ON:
            if name in os.environ:
                variables[name] = os.environ[name]
        if self.as_of is not None:
            variables["KLIMATPULS_AS_OF"] = self.as_of.isoformat()
        return variables

    def start(
        self,
        purpose: str = "run",
        parts: frozenset[str] = EVERYTHING,
        migrate: Callable[[Cluster], None] | None = None,
    ) -> dict[str, float]:
        """Start PostgreSQL and the named parts; on any failure everything is stopped again.

        Args:
            purpose: Command that starts it, for the error of a second command.
            parts: Any of ``mail``, ``mock``, ``airflow``.
            migrate: Upgrades the warehouse's schema of the running cluster; called in parallel with the
                migration of Airflow's metadata.

        Returns:
            Seconds by part: ``postgres``, ``archive``, ``warehouse``, ``metadata``, ``airflow``, ``total``;
            parts overlap.

        Raises:
            UsageError: if the state directory is in use.
            StackError: if a service does not start, with the end of its log.
        """
        begun = time.monotonic()
        self.timings = {}
        self._lock = self.home.lock(purpose)
        desk = ports.Desk()
        try:
            self._prepare(purpose, desk)
            with ThreadPoolExecutor(3, thread_name_prefix="start") as pool:
                helpers = pool.submit(self._start_helpers, parts)
                with self._timed("postgres"):
                    self._start_database()
                warehouse = pool.submit(self._migrate_warehouse, migrate)
                if "airflow" in parts:
                    self._start_airflow()
                warehouse.result()
                helpers.result()
            self._wait_for_helpers(parts)
        except BaseException:
            self.stop()
            raise
        finally:
            desk.close()
        self.timings["total"] = time.monotonic() - begun
        return self.timings

    def check(self) -> None:
        """Raise :class:`StackError` with the end of its log if a service ended unexpectedly."""
        if self._control is not None:
            self._control.check()

    def stop(self) -> None:
        """Stop everything this object started; calling it again does nothing."""
        if self._control is not None:
            self._control.shutdown()
            self._control = None
            processes.sweep(self.home.root, self._cluster.data if self._cluster else None)
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        self._addresses = None

    def detach(self) -> None:
        """Leave the stack running when this command ends (``make up``)."""
        if self._control is None or self._lock is None:
            raise StackError("the local stack is not running")
        self._lock.note("up", self._control.pid)
        self._control.detach()
        self._control = None
        self._lock.release()
        self._lock = None

    @classmethod
    def attach(cls, home: Home, **settings: object) -> Self | None:
        """Return the stack that runs detached in a state directory, ``None`` if none does.

        Args:
            home: State directory.
            **settings: Further arguments of the class, as remembered in the state directory.
        """
        stored = read_json(home.run / ADDRESS_FILE)
        if running_supervisor(home) is None or not stored:
            return None
        if "replica" in stored:  # a stack that a version before 0.1.0 left running
            stored["mock"] = stored.pop("replica")
        stack = cls(home, **settings)  # type: ignore[arg-type]
        stack._addresses = Addresses(**stored)
        stack._cluster = Cluster(home.root / "postgres", home.secrets.admin, stack._addresses.postgres)
        return stack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare(self, purpose: str, desk: ports.Desk) -> None:
        data = self.home.root / "postgres"
        swept = processes.sweep(self.home.root, data)
        if swept:
            self._say(f"ended {swept} processes that an earlier run left behind")
        chosen = {name: desk.choose(wanted) for name, wanted in services.USUAL_PORTS.items()}
        for name, port in chosen.items():
            if port.is_replaced:
                self._say(f"port {port.wanted} ({name}) is taken, using {port.number}")
        self._addresses = Addresses(**{name: port.number for name, port in chosen.items()})
        if self._lock is not None:
            self._control = Control(self.home, self._lock)
            self._lock.note(purpose, self._control.pid)
        self._cluster = Cluster(data, self.home.secrets.admin, self._addresses.postgres)
        write_json(self.home.run / ADDRESS_FILE, asdict(self._addresses))

    def _start_database(self) -> None:
        cluster = self.cluster
        cluster.create()
        cluster.clear_stale()
        self._supervisor.start(services.database(self.home, cluster))
        wait_ready(cluster, lambda: self._supervisor.is_running("postgres"), self.home.logs / "postgres.log")
        cluster.ensure_role("airflow", self.home.secrets.airflow_db)
        cluster.ensure_database(services.AIRFLOW_DATABASE, "airflow")
        cluster.ensure_database(services.WAREHOUSE_DATABASE, ADMIN)

    @property
    def _supervisor(self) -> Control:
        if self._control is None:
            raise StackError("the local stack is not running")
        return self._control

    def _migrate_warehouse(self, migrate: Callable[[Cluster], None] | None) -> None:
        if migrate is not None:
            with self._timed("warehouse"):
                migrate(self.cluster)

    def _start_helpers(self, parts: frozenset[str]) -> None:
        if "mail" in parts:
            self._supervisor.start(services.mail(self.home, self.addresses))
        if "mock" in parts and self.sources == "mock" and self.archive is not None:
            if self._make_archive is not None:
                with self._timed("archive"):
                    self._make_archive()
            as_of = self.as_of.isoformat() if self.as_of else None
            self._supervisor.start(
                services.mock(
                    self.home, self.addresses, self.archive, as_of, is_as_recorded=self.is_as_recorded
                )
            )

    def _start_airflow(self) -> None:
        services.rename_dags(self.home, self.cluster)
        services.prepare_airflow(self.home)
        environment = {
            **services.base_environment(),
            **services.airflow_settings(self.home, self.addresses, self.folders, self.cluster),
            **self.task_environment,
            # For modules that are imported before plugins are loaded.
            "PYTHONPATH": str(self.folders.plugins),
        }
        mark = self.home.root / "airflow" / "metadata.mark"
        wanted = services.metadata_mark(self.folders)
        if not (mark.exists() and mark.read_text(encoding="ascii") == wanted):
            with self._timed("metadata"):
                self._supervisor.start(services.airflow(self.home, "db-migrate", environment))
                self._supervisor.wait("db-migrate", MIGRATION_PATIENCE)
                mark.write_text(wanted, encoding="ascii")
        with self._timed("airflow"):
            for part in ("api-server", "scheduler", "dag-processor"):
                self._supervisor.start(services.airflow(self.home, part, environment))
            self._wait_until(self.api.is_healthy, "Airflow", AIRFLOW_PATIENCE)

    def _wait_for_helpers(self, parts: frozenset[str]) -> None:
        if "mail" in parts:
            self._wait_until(lambda: _answers(self.addresses.smtp), "the mail catcher", 30)
        if "mock" in parts and self.sources == "mock":
            self._wait_until(lambda: _answers(self.addresses.mock), "the mock server", 30)

    def _wait_until(self, is_done: Callable[[], bool], what: str, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not is_done():
            self._supervisor.check()
            if time.monotonic() > deadline:
                raise StackError(f"{what} did not answer after {patience:.0f} s; see {self.home.logs}")
            time.sleep(0.1)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.timings[part] = time.monotonic() - begun


def stop(home: Home) -> bool:
    """Stop the stack of a state directory and wait until no process is left; False if nothing ran."""
    return stop_running(home, home.root / "postgres")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((ports.LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
