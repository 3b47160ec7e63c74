"""The first live day on one machine: the agencies as recorded, over TLS, under their own names."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from conftest import PROJECT
from support import pipeline_run, shared

# An Airflow of the tests' own: set before Airflow is first imported, never connected to.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="klimatpuls-airflow-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__CORE__DAGS_FOLDER", str(PROJECT / "dags"))
os.environ.setdefault("AIRFLOW__CORE__PLUGINS_FOLDER", str(PROJECT / "plugins"))
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////nowhere/never-opened.db")

from agencies import called_by_their_names
from first_day import DAY, Eve, FirstDay, Mailbox, free_port

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.fetch import http
from klimatpuls.mock_agencies.certificates import make_certificate
from klimatpuls.mock_agencies.conditions import AS_RECORDED
from klimatpuls.mock_agencies.server import MockAgencies, MockServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Warehouse

    from klimatpuls.contract.catalog import Source
    from klimatpuls.mock_agencies.certificates import Certificate


@pytest.fixture(scope="session")
def rehearsal_archive(session_folder: Path, made_archives: Path) -> Path:
    """The newest answers of every source, with a tenth of the rows; nothing in it says what made it."""

    def make(folder: Path) -> None:
        archive = shutil.copytree(made_archives / "every", folder / "archive")
        for path in sorted((made_archives / "whole" / "smhi").glob("*.xlsx")):
            substance = smhi_substance(path)
            if substance is not None and not (archive / "smhi" / path.name).exists():
                (archive / "smhi" / path.name).write_bytes(pipeline_run.few_rows(path, substance))

    return shared.once(session_folder, "rehearsal", make) / "archive"


def smhi_substance(path: Path) -> str | None:
    """Our code of a workbook's substance, by its name; None for an air pollutant."""
    from klimatpuls.domain.substances import substances

    code = path.name.partition("_")[0]
    known = SOURCES["smhi_emissions"].datasets[0].substances
    return next(
        (one.code for one in substances().values() if one.smhi_code == code and one.code in known), None
    )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The certificate of the mock agencies."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), datetime.now(UTC))


@pytest.fixture(scope="session")
def agencies(rehearsal_archive: Path, certificate: Certificate) -> Iterator[MockServer]:
    """The mock agencies as recorded; without pauses, and without limits that only slow a day down."""
    conditions = replace(AS_RECORDED, windows={}, first_byte_seconds=0.0)
    replica = MockAgencies(rehearsal_archive, DAY, calls=1_000)
    with MockServer(replica, conditions=conditions, certificate=certificate) as server:
        yield server


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """A mail server that takes everything and shows it."""
    box = Mailbox(free_port())
    controller = Controller(Taking(box), hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


class Taking:
    """Puts every message into a mailbox."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self._box.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture(scope="module")
def live(agencies: MockServer, certificate: Certificate) -> Iterator[None]:
    """The agencies' names lead to the mock ones; no limit of our own, and short pauses before another try.

    The run of the whole stack keeps the limits and the pauses.
    """
    with (
        called_by_their_names(agencies, certificate.authority),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(http, "Limits", partial(http.Limits, backoff_seconds=0.02, backoff_max_seconds=0.02))
        for source in tuple(SOURCES.values()):
            patch.setitem(SOURCES, source.id, pipeline_run.unthrottled(source))
        yield


@pytest.fixture(scope="session")
def eve_of(
    agencies: MockServer,
    mailbox: Mailbox,
    new_warehouse: Callable[[], Warehouse],
    clone: Callable[[str], Warehouse],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Source], Eve]:
    """A home in which every source but one is loaded and checked, and nothing is published: to be cloned."""
    made: dict[str, Eve] = {}

    def make(source: Source) -> Eve:
        if source.id not in made:
            warehouse, home = new_warehouse(), tmp_path_factory.mktemp("eve") / "home"
            agencies.change = None
            with pytest.MonkeyPatch.context() as patch:
                day = FirstDay(warehouse, home, mailbox, patch)
                for other in SOURCES.values():
                    if other.id != source.id:
                        assert day.bring(other).trouble == ()
                releases = day.waiting()
                plain = FirstDay(
                    clone(warehouse.name), shutil.copytree(home, home.with_name("plain")), mailbox, patch
                )
                assert plain.bring(source).trouble == ()
                as_recorded = plain.waiting() - releases
            made[source.id] = Eve(warehouse=warehouse, home=home, releases=releases, as_recorded=as_recorded)
        return made[source.id]

    return make


@pytest.fixture
def day_of(
    live: None,
    eve_of: Callable[[Source], Eve],
    clone: Callable[[str], Warehouse],
    drop_warehouse: Callable[[Warehouse], None],
    mailbox: Mailbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Source], tuple[FirstDay, Eve]]]:
    """The first day of a home of the test's own, on which only one source has not come yet."""
    made: list[Warehouse] = []

    def make(source: Source) -> tuple[FirstDay, Eve]:
        eve = eve_of(source)
        made.append(clone(eve.warehouse.name))
        home = shutil.copytree(eve.home, tmp_path / "home")
        mailbox.messages.clear()
        return FirstDay(made[-1], home, mailbox, monkeypatch), eve

    yield make
    for warehouse in made:
        drop_warehouse(warehouse)
