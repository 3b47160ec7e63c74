"""A user's bad luck at the terminal: commands beside each other, odd queries, full disks, odd paths."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import psycopg2
import pytest

from klimatpuls.cli import output
from klimatpuls.errors import KlimatpulsError, UsageError
from klimatpuls.files import synthetic_mark
from klimatpuls.local import processes, refresh, runtime, stack
from klimatpuls.local.airflow_api import AirflowApiError
from klimatpuls.local.control import StackError
from klimatpuls.local.home import READING, Home, HomeInUseError, write_json
from klimatpuls.local.run_options import RunOptions
from klimatpuls.local.supervisor import ADDRESS_FILE, STATE_FILE
from klimatpuls.mock_agencies import workbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Warehouse

HOLDER = """
import sys, time
from pathlib import Path
from klimatpuls.local.home import Home
with Home(Path(sys.argv[1])).lock(sys.argv[2]):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""
RUN = """
import sys, time
from pathlib import Path
from klimatpuls.local import runtime
from klimatpuls.local.home import Home
home = Home(Path(sys.argv[1]))
with runtime.build_stack(home) as stack:
    print("starting", flush=True)
    stack.start("run", runtime.DATABASE_ONLY, runtime.migrate_warehouse(home))
    sys.stdin.read()
"""


@contextlib.contextmanager
def beside(script: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has said its first line."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def wait_for_holder(home: Home, purpose: str) -> None:
    """Until a command of that purpose has written its name into the home's lock."""
    deadline = time.monotonic() + 20
    while not ((lock := home.run / "lock").exists() and lock.read_text().startswith(purpose)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestBesideEachOther:
    """Two commands that want one home."""

    def test_a_reading_command_is_waited_for(self, tmp_path: Path) -> None:
        with beside(HOLDER, str(tmp_path), READING, "0.6"):
            begun = time.monotonic()
            with Home(tmp_path).lock("run"):
                assert time.monotonic() - begun > 0.2

    def test_any_other_command_is_a_refusal_at_once(self, tmp_path: Path) -> None:
        with beside(HOLDER, str(tmp_path), "run", "1.5"):
            begun = time.monotonic()
            with pytest.raises(HomeInUseError, match="run, process"):
                Home(tmp_path).lock("up")
            assert time.monotonic() - begun < 1

    def test_a_refused_run_does_not_change_the_settings_of_the_one_that_runs(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        home.claim("synthetic")
        before = home.remember(sources="mock", as_of="2026-05-08")
        request = RunOptions(sources="live", origin="live", home=tmp_path, archive=None, as_of=None)
        with beside(HOLDER, str(tmp_path), "up", "1"), pytest.raises(HomeInUseError):
            runtime.open_home(request)
        assert home.config == before

    def test_the_database_of_a_single_command_is_no_stack_that_is_up(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        own = {"pid": os.getpid(), "started": processes.start_time(os.getpid())}
        write_json(
            home.run / ADDRESS_FILE, dict.fromkeys(("postgres", "airflow", "smtp", "mail_page", "mock"), 1)
        )
        write_json(home.run / STATE_FILE, {**own, "detached": False})
        assert runtime.attach(home) is None
        write_json(home.run / STATE_FILE, {**own, "detached": True})
        assert runtime.attach(home) is not None

    @pytest.mark.postgres
    def test_one_may_read_beside_a_run_and_is_notified_when_its_database_ends(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="kp-home-"))
        home = Home(folder)
        home.claim("live")
        home.remember(sources="live")
        try:
            with beside(RUN, str(folder)) as run:
                wait_for_holder(home, "run")
                with runtime.database(home) as guest:
                    with runtime.reading(guest, "bi_read") as cursor:
                        cursor.execute("SELECT count(*) FROM mart.release")
                        assert cursor.fetchone() == (0,)
                    run.send_signal(signal.SIGINT)
                    run.wait(30)
                    with (
                        pytest.raises(KlimatpulsError, match="the database stopped"),
                        runtime.reading(guest, "bi_read"),
                    ):
                        pass
            assert processes.of_home(home.root, home.root / "postgres") == set()
        finally:
            stack.stop(home)


@pytest.mark.postgres
class TestQueries:
    """`klimatpuls sql` with what people type."""

    @pytest.fixture(autouse=True)
    def _database(self, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runtime, "warehouse_dsn", lambda *_: warehouse.bi_dsn)

    def ask(self, query: str, path: Path) -> str:
        with path.open("wb", buffering=0) as full:
            output.write_csv(cast("Any", None), query, full)
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @pytest.mark.parametrize("query", ["SELECT 1 AS a -- one", "SELECT 1 AS a;", " SELECT 1 AS a ;\n"])
    def test_one_query_however_it_ends(self, query: str, tmp_path: Path) -> None:
        assert self.ask(query, tmp_path / "out.csv") == "a\n1\n"

    @pytest.mark.parametrize(
        ("query", "said"),
        [("  ", "empty"), ("SELECT 1; SELECT 2", "syntax error"), ("SELEC", "syntax error")],
    )
    def test_what_is_no_query_is_refused(self, query: str, said: str, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=said):
            self.ask(query, tmp_path / "out.csv")

    def test_a_server_that_ends_under_the_query_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(KlimatpulsError, match="the database stopped"):
            self.ask("SELECT pg_terminate_backend(pg_backend_pid())", tmp_path / "out.csv")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
    def test_a_full_disk_is_reported(self) -> None:
        with pytest.raises(UsageError, match="could not be written: No space left"):
            self.ask("SELECT 1", Path("/dev/full"))


class Fallen:
    """A stack whose database was killed: Airflow notices first, the supervisor tells a moment later."""

    home = SimpleNamespace(logs=Path("/logs"))

    def __init__(self, error: Exception, *, has_news: bool) -> None:
        self.api = self
        self.error = error
        self.news = iter([False, has_news, *[False] * 100])

    def wait_for_dags(self, _: set[str]) -> None:
        raise self.error

    def check(self) -> None:
        if next(self.news):
            raise StackError("postgres ended with -9")


class TestFallenStack:
    """What a refresh says when a service ends under it."""

    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runtime, "warehouse_dsn", lambda *_: "")
        monkeypatch.setattr(refresh, "EXIT_NOTICE_PATIENCE", 0.25)

    def refresh(self, error: Exception, *, has_news: bool) -> None:
        refresh.Refresh(cast("Any", Fallen(error, has_news=has_news)), print).run([])

    @pytest.mark.parametrize("error", [AirflowApiError("Airflow answered 500"), psycopg2.OperationalError()])
    def test_the_service_that_ended_is_named(self, error: Exception) -> None:
        with pytest.raises(StackError, match="postgres ended"):
            self.refresh(error, has_news=True)

    def test_without_such_news_the_error_is_reported_as_it_came(self) -> None:
        with pytest.raises(AirflowApiError, match="answered 500"):
            self.refresh(AirflowApiError("Airflow answered 500"), has_news=False)
        with pytest.raises(KlimatpulsError, match="the database stopped: refused; see /logs"):
            self.refresh(psycopg2.OperationalError("refused\n"), has_news=False)


class TestHomes:
    """Which home a command speaks of when none is named."""

    def make(self, var: Path, *names: str) -> None:
        for name in names:
            Home(var / name).claim("synthetic")

    def test_live_comes_before_synthetic_and_an_archive_last(self, tmp_path: Path) -> None:
        self.make(tmp_path, "archive-data")
        assert runtime.find_home(tmp_path).root == tmp_path / "archive-data"
        self.make(tmp_path, "synthetic")
        assert runtime.find_home(tmp_path).root == tmp_path / "synthetic"
        self.make(tmp_path, "live")
        assert runtime.find_home(tmp_path).root == tmp_path / "live"

    def test_the_one_that_is_up_comes_before_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.make(tmp_path, "live", "archive-data")
        monkeypatch.setattr(
            runtime, "attach", lambda home: home if home.root.name == "archive-data" else None
        )
        assert runtime.find_home(tmp_path).root == tmp_path / "archive-data"

    def test_no_guess_between_archives(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="make run"):
            runtime.find_home(tmp_path)
        self.make(tmp_path, "archive-a", "archive-b")
        with pytest.raises(UsageError, match=r"archive-a.*archive-b"):
            runtime.find_home(tmp_path)


def test_a_workbook_says_whether_it_is_synthetic() -> None:
    rows: list[list[str | float | int | None]] = [["a"]]
    marked = workbook.Properties(title=f"{synthetic_mark.SYNTHETIC_MARK}: no real figure")
    assert synthetic_mark.is_synthetic(workbook.build_workbook(rows, sheet_name="a", properties=marked))
    assert not synthetic_mark.is_synthetic(workbook.build_workbook(rows, sheet_name="a"))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")
def test_a_home_whose_name_is_no_utf_8_can_be_searched() -> None:
    assert processes.of_home(Path(os.fsdecode(b"/nowhere/hem-p\xe5"))) == set()
