"""A home's first day, task by task, as the DAGs run it."""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
    from pathlib import Path

    import pytest
    from conftest import Warehouse

    from klimatpuls.contract.catalog import Source

DAY = date(2026, 5, 8)
LIST, OPERATOR = "list@example.org", "operator@example.org"
_numbers = count(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Mailbox:
    """What a mail server on this machine has taken."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)

    def to(self, address: str) -> list[EmailMessage]:
        """The messages to an address."""
        return [message for message in self.messages if message["To"] == address]


@dataclass(frozen=True, kw_only=True)
class Eve:
    """A home in which every source but one has come.

    Attributes:
        warehouse: Its warehouse, a template.
        home: Its folder.
        releases: What waits for its publication.
        as_recorded: Releases of the source that has not come, as they are where nothing differs.
    """

    warehouse: Warehouse
    home: Path
    releases: frozenset[str]
    as_recorded: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What became of a source.

    Attributes:
        trouble: Messages of the tasks that failed.
        skipped: What the tasks said that had nothing to do.
    """

    trouble: tuple[str, ...]
    skipped: tuple[str, ...]


def whole(source: Source) -> set[tuple[str, str]]:
    """Dataset and substance of everything a source is asked for."""
    return {
        (dataset.id, substance or "all")
        for dataset in source.datasets
        for substance in dataset.substances
        if not dataset.by_hand and not dataset.by_setting
    }


class FirstDay:
    """The tasks of a home, their connections in the environment as every deployment gives them."""

    def __init__(self, warehouse: Warehouse, home: Path, mailbox: Mailbox, patch: pytest.MonkeyPatch) -> None:
        from klimatpuls_airflow import tasks

        self.warehouse, self.home, self.mailbox = warehouse, home, mailbox
        self._tasks, self._patch = tasks, patch
        self._declare("warehouse_default", _postgres(warehouse.loader_dsn))
        self._declare("warehouse_mailer", _postgres(warehouse.mailer_dsn))
        for source in SOURCES.values():
            self._declare(source.conn_id, {"conn_type": "http", "host": source.live_base_url})
        extra = {"from_email": "us@example.org", "list_address": LIST, "operator_address": OPERATOR}
        extra |= {"disable_ssl": True, "disable_tls": True}
        mail = {"conn_type": "smtp", "host": "127.0.0.1", "port": mailbox.port, "extra": json.dumps(extra)}
        self._declare("smtp_default", mail)
        patch.setenv("KLIMATPULS_HOME", str(home))
        patch.setenv("KLIMATPULS_ORIGIN", "live")
        patch.setenv("KLIMATPULS_AS_OF", DAY.isoformat())
        for name in ("MAIL_APPROVAL", "KLIMATPULS_AIR_POLLUTANTS", "KLIMATPULS_REGISTERS"):
            patch.delenv(name, raising=False)

    def bring(self, source: Source) -> Brought:
        """Poll a source and take it through steps 1 to 3; whatever a task raises fails that task."""
        trouble: list[str] = []
        skipped: list[str] = []
        self._do(trouble, skipped, self._tasks.poll, source.id)
        run = self._do(trouble, skipped, self._tasks.fetch_snapshot, source.id)
        loaded = None if run is None else self._do(trouble, skipped, self._tasks.load, source.id, run)
        if loaded is not None:
            left = self._do(trouble, skipped, self._tasks.validate, source.id, loaded)
            if left:
                self._do(trouble, skipped, self._tasks.notify_findings, source.id, loaded)
        return Brought(trouble=tuple(trouble), skipped=tuple(skipped))

    def publish_and_mail(self) -> Brought:
        """Steps 4 and 5."""
        trouble: list[str] = []
        skipped: list[str] = []
        for task in ("sync_registers", "publish", "render_report", "pending_approvals", "send_mail"):
            self._do(trouble, skipped, getattr(self._tasks, task))
        return Brought(trouble=tuple(trouble), skipped=tuple(skipped))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, read by the loader."""
        with closing(connect(self.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def waiting(self) -> frozenset[str]:
        """The releases that wait for a publication."""
        return frozenset(
            name for (name,) in self.ask("SELECT release_id FROM core.dim_release WHERE state = 'validated'")
        )

    def current(self) -> frozenset[str]:
        """The releases that readers see."""
        return frozenset(name for (name,) in self.ask("SELECT release_id FROM mart.release WHERE is_current"))

    def datasets(self) -> frozenset[tuple[str, str]]:
        """Dataset and substance of the releases that readers see."""
        return frozenset(self.ask("SELECT dataset, substance FROM mart.release WHERE is_current"))

    def _do(self, trouble: list[str], skipped: list[str], task: Callable[..., Any], *arguments: Any) -> Any:
        """What a task returns in a DAG run of its own; None where it skipped or failed."""
        from airflow.sdk.exceptions import AirflowSkipException

        events = defaultdict(lambda: SimpleNamespace(add=lambda asset: None))
        run = SimpleNamespace(
            dag_id="a_dag", run_id=f"run-{next(_numbers)}", conf={}, run_after=datetime.now(UTC)
        )
        context = {"dag_run": run, "ti": SimpleNamespace(), "outlet_events": events}
        self._patch.setattr(self._tasks, "get_current_context", lambda: context)
        try:
            return task(*arguments)
        except AirflowSkipException as skip:
            skipped.append(f"{task.__name__}: {skip}")
        except Exception as error:  # noqa: BLE001 - Airflow fails the task, whatever it raised
            trouble.append(f"{task.__name__}: {type(error).__name__}: {error}")
        return None

    def _declare(self, name: str, fields: dict[str, Any]) -> None:
        self._patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))


def _postgres(dsn: str) -> dict[str, Any]:
    parts = urlsplit(dsn)
    return {
        "conn_type": "postgres",
        "host": parts.hostname,
        "port": parts.port,
        "login": parts.username,
        "password": parts.password,
        "schema": parts.path.strip("/"),
    }
