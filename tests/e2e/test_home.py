"""A home from its `up` to its `down`, on made-up figures, as a user lives with it."""

from __future__ import annotations

import email
import email.policy
import json
import os
import shutil
import time
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from conftest import HALF_WRITTEN, PROJECT
from support import airflow, pipeline_run, processes, releases
from support.commands import Commands

from klimatpuls.files import synthetic_mark
from klimatpuls.local import runtime
from klimatpuls.local.home import Home
from klimatpuls.local.services import OPERATOR_ADDRESS, WAREHOUSE_DATABASE
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.archive import MANIFEST
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from klimatpuls.contract.releases import Parsed

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.airflow, pytest.mark.timeout(600)]

AS_OF = "2026-06-02"
# A script's answer in the first second can fail the asking task (Airflow's own race): it waits this long.
POLITE_PAUSE = 4.0
CHAIN = """
from airflow.sdk import dag, task
@dag(schedule=None)
def chain():
    @task
    def first():
        import os, sys
        return [os.environ['KLIMATPULS_HOME'], 'pandas' in sys.modules]
    @task
    def second(given):
        raise ValueError('refused on purpose')
    second(first())
chain()
"""


@pytest.fixture(scope="module")
def archive(made_archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small archive and one gas more; its manifest says that all is made up."""
    folder = shutil.copytree(made_archives / "small", tmp_path_factory.mktemp("e2e") / "archive")
    whole = made_archives / "whole"
    shutil.copy(whole / MANIFEST, folder)
    (carbon_dioxide,) = (whole / "smhi").glob("CO2_*2026*.xlsx")
    (folder / "smhi" / carbon_dioxide.name).write_bytes(pipeline_run.few_rows(carbon_dioxide, "co2"))
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one DAG more."""
    copy = tmp_path_factory.mktemp("project")
    for folder in ("include", "dags", "plugins"):
        shutil.copytree(PROJECT / folder, copy / folder, ignore=HALF_WRITTEN)
    shutil.copy(PROJECT / "requirements.txt", copy)
    (copy / "dags" / "chain.py").write_text(CHAIN, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def started(archive: Path, project: Path) -> Iterator[tuple[Commands, str]]:
    """A new home with its stack left running, and what `up` said."""
    commands = Commands(archive.parent / "home")
    paths = os.pathsep.join([str(project / "include"), *filter(None, [os.environ.get("PYTHONPATH")])])
    begun = time.monotonic()
    try:
        out = commands.good("up", ARCHIVE=str(archive), AS_OF=AS_OF, PYTHONPATH=paths)
        assert time.monotonic() - begun < 90
        yield commands, out
    finally:
        commands("down")


@pytest.fixture(scope="module")
def running(started: tuple[Commands, str]) -> Commands:
    """The same home, refreshed once."""
    commands, _ = started
    commands.good("refresh")
    return commands


def test_up_tells_where_to_look_and_fetches_nothing(started: tuple[Commands, str]) -> None:
    commands, out = started
    assert "Airflow      http://127.0.0.1:" in out
    assert not any((commands.home / "snapshots").rglob("*.json"))


class TestLeftRunning:
    """What one does with a stack that is up."""

    def test_the_first_refresh_publishes_and_mails_once_and_says_that_all_is_synthetic(
        self, running: Commands
    ) -> None:
        (shown,) = running.rows(
            "SELECT (SELECT count(DISTINCT region_code) FROM mart.emission) AS regions, "
            "(SELECT origin FROM mart.current_publication) AS origin"
        )
        assert shown == {"regions": "312", "origin": "synthetic"}
        (path,) = running.mails()
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert "PÅHITTADE SIFFROR" in message["Subject"]
        assert message.get_body(("html",)) is not None
        assert message.get_body(("plain",)) is not None
        pages = list((running.home / "reports").glob("*/digest.html"))
        assert len(pages) == 1
        assert "PÅHITTADE SIFFROR" in pages[0].read_text(encoding="utf-8")

    def test_a_run_beside_it_is_refused(self, running: Commands, archive: Path) -> None:
        done = running("run", ARCHIVE=str(archive), AS_OF=AS_OF)
        assert done.code == 1
        assert "in use" in done.err
        assert "make down" in done.err

    def test_airflow_runs_a_chain_and_listens_on_loopback_only(self, running: Commands) -> None:
        home = Home(running.home)
        stack = runtime.attach(home)
        assert stack is not None
        stack.api.wait_for_dags(["chain"])
        run = airflow.finished(stack.api, stack.api.trigger("chain"))
        given = airflow.xcom(stack.api, run, "first")
        [(task, log)] = list(stack.api.failures(run))
        assert run.state == "failed"
        assert task.task_id == "second"
        assert "refused on purpose" in log
        assert given == [str(home.root), True]  # the task's own home, and pandas imported before the fork
        addresses = processes.listeners(processes.everything(home))
        assert addresses == {"0100007F"}  # 127.0.0.1 and nothing else
        assert (home.root / "airflow" / "passwords.json").stat().st_mode & 0o777 == 0o600

    def test_status_releases_and_dsn_answer(self, running: Commands) -> None:
        assert "fresh" in running.good("status")
        listed = running.good("releases")
        assert "smhi_emissions-ghg-2026-05-07" in listed
        assert running.good("dsn", "--role", "bi_read").startswith("postgresql://bi_read:")

    def test_sql_reads_and_does_nothing_else(self, running: Commands) -> None:
        done = running("sql", "DELETE FROM mart.current_publication")
        assert done.code == 1
        assert "query failed" in done.err
        assert "Traceback" not in done.err

    def test_a_release_on_hold_waits_and_is_published_when_approved(
        self, running: Commands, archive: Path, tmp_path: Path
    ) -> None:
        _tell_that_the_digest_was_of_the_day_before(running)
        before, shown = _totals(running), _publication(running)
        held = tmp_path / "moved.xlsx"
        held.write_bytes(_moved(releases.newest(archive), 1.2, date(2026, 6, 1)))
        done = running("ingest", str(held))
        assert done.code == 3, done.out + done.err
        assert "hold_moved" in done.out
        assert "klimatpuls release approve" in done.out
        assert _totals(running) == before
        mails = len(running.mails())
        again = running("refresh")
        assert again.code == 3, "a hold is told until somebody answers it"
        assert "none, nothing new" in again.out
        assert "HTTP calls: api.kolada.se " in again.out
        assert len(running.mails()) == mails, "what was told is mailed to nobody again"
        (release,) = [word for word in done.out.split() if word.startswith("smhi_emissions-ghg-2026-06-01-")][
            :1
        ]
        release = release.strip(":,")
        told = email.message_from_bytes(running.mails()[-1].read_bytes(), policy=email.policy.default)
        assert told["To"] == OPERATOR_ADDRESS
        assert "hold_moved" in told.get_content()
        mails = len(running.mails())
        body = _answer(running, f"Publicera {release}? ", "Approve")
        assert "hold\\_moved" in body
        _until(lambda: _publication(running) != shown, "an approval in Airflow was not published")
        assert _totals(running) != before
        done = running("release", "reject", release)
        assert done.code == 1, "what was answered in Airflow is answered"
        assert "not on hold" in done.err
        assert _value(running, f"SELECT is_current FROM mart.release WHERE release_id = '{release}'") is True
        assert len(running.mails()) == mails, "a digest after an override waits for a word of its own"
        _answer(running, "digest", "Approve")
        _until(lambda: len(running.mails()) == mails + 1, "an approved digest was not mailed")

    def test_figures_that_are_not_marked_as_made_up_stay_out_of_a_synthetic_home(
        self, running: Commands, archive: Path, tmp_path: Path
    ) -> None:
        before = sorted((running.home / "snapshots").rglob("*"))
        file = tmp_path / "real.xlsx"
        rows = pipeline_run.sheet_rows(releases.newest(archive), date(2026, 6, 2))
        file.write_bytes(workbook.build_workbook(rows, sheet_name="GGT"))
        done = running("ingest", str(file))
        assert done.code == 4, done.out + done.err
        assert "real.xlsx" in done.err
        assert sorted((running.home / "snapshots").rglob("*")) == before

    def test_two_substances_are_no_revision_of_each_other(self, running: Commands) -> None:
        done = running("diff", "ghg-2026-05-07", "co2-2026-05-07")
        assert done.code == 1
        assert "of different substances" in done.err

    def test_a_web_page_in_place_of_a_workbook_is_refused(self, running: Commands, tmp_path: Path) -> None:
        page = tmp_path / "error.xlsx"
        page.write_text("<!DOCTYPE html><html><body>503</body></html>")
        done = running("ingest", str(page))
        assert done.code == 5
        assert "HTML" in done.err
        assert "Traceback" not in done.err


def test_down_leaves_no_process(running: Commands) -> None:
    assert "stopped" in running.good("down")
    assert processes.everything(Home(running.home)) == set()
    assert not (Home(running.home).run / "supervisor.json").exists()
    assert "nothing was running" in running.good("down")


def test_secrets_are_for_the_owner_only(running: Commands) -> None:
    secret = running.home / "secrets.json"
    assert secret.stat().st_mode & 0o777 == 0o600
    values = json.loads(secret.read_text())
    logs = "".join(path.read_text(errors="replace") for path in (running.home / "logs").rglob("*.log"))
    logs += "".join(
        path.read_text(errors="replace") for path in (running.home / "airflow" / "logs").rglob("*.log")
    )
    assert logs
    assert [name for name, value in values.items() if value in logs] == []


def test_a_home_refuses_another_origin_before_anything_is_fetched(running: Commands) -> None:
    before = sorted((running.home / "snapshots").rglob("*"))
    done = running("run", SOURCES="live")
    assert done.code == 4
    assert "synthetic" in done.err
    assert sorted((running.home / "snapshots").rglob("*")) == before


def _value(klimatpuls: Commands, query: str) -> Any:
    """The one value of a query, read in the stack that is up."""
    stack = runtime.attach(Home(klimatpuls.home))
    assert stack is not None
    with (
        closing(connect(runtime.warehouse_dsn(stack, "bi_read"))) as conn,
        conn.cursor() as cursor,
    ):
        cursor.execute(query)
        ((value,),) = cursor.fetchall()
    return value


def _tell_that_the_digest_was_of_the_day_before(klimatpuls: Commands) -> None:
    """The day is that of the services, and the network gets one digest a day."""
    stack = runtime.attach(Home(klimatpuls.home))
    assert stack is not None
    with closing(connect(stack.cluster.dsn(WAREHOUSE_DATABASE))) as conn, conn, conn.cursor() as cursor:
        cursor.execute("UPDATE ops.mail_outbox SET as_of_date = as_of_date - 1")
        assert cursor.rowcount == 1


def _totals(klimatpuls: Commands) -> Any:
    return _value(
        klimatpuls,
        "SELECT md5(string_agg(concat_ws(';', release_id, region_code, year, emissions_tco2e), "
        "'|' ORDER BY release_id, region_code, year)) FROM mart.emission WHERE sector_code = 'all'",
    )


def _publication(klimatpuls: Commands) -> Any:
    return _value(klimatpuls, "SELECT publication_id FROM mart.current_publication")


def _moved(parsed: Parsed, factor: float, published: date) -> bytes:
    """The same release with every figure multiplied: all sums hold, every municipality has moved."""
    made_up = workbook.Properties(title=f"{synthetic_mark.SYNTHETIC_MARK}: moved")
    rows = pipeline_run.sheet_rows(parsed, published, factor)
    return workbook.build_workbook(rows, sheet_name="moved", properties=made_up)


def _answer(klimatpuls: Commands, about: str, choice: str) -> str:
    """Answer the review about something as its page would; returns the text of the review."""
    stack = runtime.attach(Home(klimatpuls.home))
    assert stack is not None
    found: list[dict[str, Any]] = []

    def is_asked() -> bool:
        found[:] = airflow.reviews(stack.api, about)
        return bool(found)

    _until(is_asked, f"nobody was asked about {about}")
    time.sleep(POLITE_PAUSE)
    airflow.answer(stack.api, found[0], choice)
    return str(found[0]["body"])


def _until(happened: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 90
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(otherwise)
        time.sleep(1)
