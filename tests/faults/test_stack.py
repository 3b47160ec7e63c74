"""The embedded stack under bad luck: killed commands, taken ports, long paths, other users."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import shared
from support.processes import everything

from klimatpuls.errors import UsageError
from klimatpuls.local import processes, services, stack
from klimatpuls.local.control import StackError, running_supervisor
from klimatpuls.local.home import Home
from klimatpuls.local.postgres import Cluster, binaries
from klimatpuls.local.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc"),
]

MAIL = frozenset({"mail"})

# A command of its own process: starts PostgreSQL and the mail catcher, says so, and then waits to be killed.
COMMAND = """
import sys, time
from pathlib import Path
from klimatpuls.local.home import Home
from klimatpuls.local.stack import Stack
stack = Stack(Home(Path(sys.argv[1])), sources="live")
stack.start("run", frozenset(sys.argv[3:]))
with stack.cluster.connect("klimatpuls") as connection, connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    print(cursor.fetchone()[0], flush=True)
if sys.argv[2] == "wait":
    time.sleep(300)
stack.stop()
"""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that was started once, to be copied: initdb and the migrations are the slow part of a start."""
    made = Home(tmp_path_factory.mktemp("pattern") / "home")
    Cluster(made.root / "postgres", made.secrets.admin, 5432, durable=False).create()
    with Stack(made, sources="live") as running:
        running.start(parts=frozenset())
    return made


@pytest.fixture
def home(pattern: Home, tmp_path: Path) -> Iterator[Home]:
    """A home whose processes are ended after the test, whatever happened in it."""
    with shared.cluster_folder(tmp_path) as folder:
        shutil.copytree(pattern.root, folder / "home")
        made = Home(folder / "home")
        yield made
        stack.stop(made)


def wait_until_gone(home: Home, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while everything(home) and time.monotonic() < deadline:
        time.sleep(0.05)


@contextlib.contextmanager
def command(home: Home) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", COMMAND, str(home.root), "wait", "mail"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "klimatpuls_admin"
        assert len(everything(home)) >= 3
        yield process
        process.kill()


def check_for_ten_seconds(running: Stack) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        running.check()
        time.sleep(0.02)


def test_a_stop_leaves_no_process_and_no_run_file(home: Home) -> None:
    with Stack(home, sources="live") as running:
        running.start(parts=MAIL)
        assert everything(home)
    assert everything(home) == set()
    assert sorted(path.name for path in home.run.iterdir()) == ["lock"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_command_leaves_no_process(home: Home, number: signal.Signals) -> None:
    with command(home) as process:
        process.send_signal(number)
        process.wait()
        wait_until_gone(home)
        assert everything(home) == set()
    assert not (home.root / "postgres" / "postmaster.pid").exists()  # shut down, not cut off


def test_a_second_command_is_refused_naming_the_first(home: Home) -> None:
    with command(home):
        supervisor = running_supervisor(home)
        with pytest.raises(UsageError, match=rf"in use by `klimatpuls run, process {supervisor}`"):
            Stack(home, sources="live").start("run", MAIL)
        assert running_supervisor(home) == supervisor


def test_a_killed_supervisor_takes_its_services_along_and_the_next_start_works(home: Home) -> None:
    with command(home):
        supervisor = running_supervisor(home)
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        wait_until_gone(home)
        assert everything(home) == set()
    assert running_supervisor(home) is None  # the process file is still there, and known to be stale
    with Stack(home, sources="live") as running:
        running.start(parts=MAIL)
        assert running_supervisor(home) not in (None, supervisor)


def test_a_stale_process_file_with_a_number_of_somebody_else_is_no_supervisor(home: Home) -> None:
    state = {"pid": os.getpid(), "ticks": 1, "detached": True, "services": {}}
    (home.run / "supervisor.json").write_text(json.dumps(state), encoding="utf-8")
    assert running_supervisor(home) is None
    assert stack.stop(home) is False


def test_leftovers_are_known_by_their_mark_and_ended_before_a_start(home: Home) -> None:
    marked = os.environ | {processes.MARKER: str(home.root)}
    other = os.environ | {processes.MARKER: str(home.root) + "-2"}
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(1, flush=True); time.sleep(60)"
    )
    with (
        subprocess.Popen(["sleep", "60"], env=marked) as ours,
        subprocess.Popen([sys.executable, "-c", stubborn], env=marked, stdout=subprocess.PIPE) as deaf,
        subprocess.Popen(["sleep", "60"], env=other) as theirs,
    ):
        assert deaf.stdout is not None
        deaf.stdout.readline()
        assert processes.sweep(home.root, patience=0.5) == 2
        assert ours.wait() == -signal.SIGTERM
        assert deaf.wait() == -signal.SIGKILL
        assert theirs.poll() is None
        theirs.kill()


def test_a_killed_database_is_reported_with_its_log_and_recovers(home: Home) -> None:
    with Stack(home, sources="live") as running:
        running.start(parts=MAIL)
        with running.cluster.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept AS SELECT 7 AS number")
        postmaster = int((running.cluster.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGKILL)
        with pytest.raises(StackError, match=r"(?s)postgres ended with -9; the end of .*ready to accept"):
            check_for_ten_seconds(running)
    assert everything(home) == set()
    with Stack(home, sources="live") as running:
        running.start(parts=MAIL)
        with running.cluster.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT number FROM kept")
            assert cursor.fetchone() == (7,)


def test_a_taken_port_is_replaced_and_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        monkeypatch.setitem(services.USUAL_PORTS, "smtp", number)
        with Stack(home, sources="live", say=said.append) as running:
            running.start(parts=MAIL)
            assert running.addresses.smtp != number
            assert f"port {number} (smtp) is taken, using {running.addresses.smtp}" in said
            mail = json.loads(running.task_environment["AIRFLOW_CONN_SMTP_DEFAULT"])
            assert mail["port"] == running.addresses.smtp


def test_up_goes_on_alone_can_be_attached_to_and_down_stops_it(home: Home) -> None:
    running = Stack(home, sources="live")
    running.start("up", MAIL)
    running.detach()
    with pytest.raises(UsageError, match="in use by `klimatpuls up, process"):
        Stack(home, sources="live").start("run", MAIL)
    attached = Stack.attach(home, sources="live")
    assert attached is not None
    with attached.cluster.connect("klimatpuls") as connection, connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        assert cursor.fetchone() == ("on",)
    attached.stop()  # an attached stack is not ours to stop
    assert running_supervisor(home) is not None
    assert stack.stop(home) is True
    assert everything(home) == set()
    assert Stack.attach(home, sources="live") is None


def test_a_failing_migration_stops_everything_again(home: Home) -> None:
    def migrate(_: object) -> None:
        raise RuntimeError("no such migration")

    with pytest.raises(RuntimeError, match="no such migration"):
        Stack(home, sources="live").start(parts=MAIL, migrate=migrate)
    assert everything(home) == set()
    with home.lock("run"):  # and the home is free again
        assert running_supervisor(home) is None


def test_a_home_under_a_path_of_150_characters_with_spaces(home: Home) -> None:
    deep = home.root / ("en lång väg " * 12).strip()
    deep.mkdir(mode=0o700)
    far = Home(deep / "home")
    assert len(str(far.root)) > 150
    with Stack(far, sources="live") as running:
        running.start(parts=MAIL)
        assert running.cluster.socket_folder is None  # too long for a socket: TCP only
    assert everything(far) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("uid", [65534, 54321], ids=["ordinary user", "user without passwd entry"])
def test_other_users(uid: int) -> None:
    python = _python_for_everybody()
    folder = Path(tempfile.mkdtemp(prefix="kp-user-"))
    os.chown(folder, uid, uid)
    try:
        done = subprocess.run(
            [python, "-c", COMMAND, str(folder / "home"), "end"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            user=uid,
            group=uid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=60,
        )
        assert done.stdout.strip() == "klimatpuls_admin", done.stderr
        assert (folder / "home").stat().st_uid == uid
        assert processes.of_home(folder / "home", folder / "home" / "postgres") == set()
    finally:
        shutil.rmtree(folder)


def _python_for_everybody() -> str:
    """An interpreter of our version that any user may run, or a skip with the reason."""
    package = Path(stack.__file__).parent
    system = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    for python in (Path(sys.executable), system):
        if python.exists() and _is_open(python.resolve()) and _is_open(package) and _is_open(binaries()):
            return str(python)
    pytest.skip(f"{package} or {Path(sys.executable).resolve()} is closed to other users")


def _is_open(path: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))
