from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from klimatpuls.local import processes, supervisor
from klimatpuls.local.control import Control, StackError, running_supervisor, stop_running
from klimatpuls.local.home import Home
from klimatpuls.local.supervisor import PHASE_DATABASE, PHASE_HELPERS, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def control(home: Home) -> Iterator[Control]:
    with home.lock("test") as lock:
        made = Control(home, lock)
        yield made
        made.shutdown()
    assert processes.of_home(home.root) == set()


def service(home: Home, name: str, code: str, **more: object) -> Service:
    words = (sys.executable, "-c", code)
    return Service(name, words, dict(os.environ), str(home.logs / f"{name}.log"), **more)  # type: ignore[arg-type]


def wait_for(condition: object, patience: float = 10.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.02)


def test_a_job_is_waited_for_and_a_failing_one_shows_its_log(home: Home, control: Control) -> None:
    control.start(service(home, "good", "print('done')"))
    control.wait("good", 20)
    control.start(service(home, "bad", "print('disk full'); raise SystemExit(4)"))
    with pytest.raises(StackError, match=r"(?s)bad ended with 4; the end of .*bad\.log:\ndisk full"):
        control.wait("bad", 20)
    control.start(service(home, "slow", "import time; time.sleep(60)"))
    with pytest.raises(StackError, match="slow did not end in time"):
        control.wait("slow", 0.1)


def test_a_program_that_is_missing_is_named(home: Home, control: Control) -> None:
    missing = Service("absent", ("/nowhere/program",), {}, str(home.logs / "absent.log"))
    with pytest.raises(StackError, match=r"absent could not be started: .*No such file"):
        control.start(missing)
    assert not control.is_running("absent")


def test_services_end_in_phases_and_one_that_ignores_signals_is_killed(home: Home, control: Control) -> None:
    order = home.root / "order"
    note = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    open({file!r}, 'a').write({name!r} + '\\n')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "signal.signal(signal.SIGINT, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    for name, phase, number in (
        ("database", PHASE_DATABASE, "SIGINT"),
        ("helper", PHASE_HELPERS, "SIGTERM"),
        ("work", 0, "SIGTERM"),
    ):
        code = note.format(file=str(order), name=name)
        control.start(service(home, name, code, phase=phase, stop_signal=number))
    control.start(service(home, "stubborn", stubborn, patience=0.3))
    for name in ("database", "helper", "work", "stubborn"):
        log = home.logs / f"{name}.log"
        wait_for(lambda log=log: "ready" in log.read_text(encoding="utf-8"))
    control.shutdown()
    assert order.read_text(encoding="utf-8").split() == ["work", "helper", "database"]
    assert "stubborn did not end within 0 s: killed" in (home.logs / "supervisor.log").read_text(
        encoding="utf-8"
    )


def test_a_grandchild_that_left_its_group_is_ended_too(home: Home, control: Control) -> None:
    code = (
        "import subprocess, time\n"
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True, env={})\n"
        "print(child.pid, flush=True)\n"
    )
    control.start(service(home, "parent", code))
    control.wait("parent", 20)
    pid = int((home.logs / "parent.log").read_text(encoding="utf-8"))
    assert processes.is_alive(pid)  # adopted, and without the marker of the state directory
    control.shutdown()
    assert not processes.is_alive(pid)


def test_the_state_file_names_the_supervisor_while_it_runs(home: Home, control: Control) -> None:
    wait_for(lambda: running_supervisor(home) == control.pid)
    control.shutdown()
    assert running_supervisor(home) is None


def test_a_long_log_is_rotated_at_the_next_start(home: Home, control: Control) -> None:
    log = home.logs / "job.log"
    log.write_bytes(b"x" * (supervisor.LOG_LIMIT + 1))
    control.start(service(home, "job", "print('new')"))
    control.wait("job", 20)
    assert log.read_text(encoding="utf-8") == "new\n"
    assert (home.logs / "job.log.1").stat().st_size == supervisor.LOG_LIMIT + 1


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_stack_of_a_version_before_0_1_0_is_found_and_stopped(home: Home, has_ended: bool) -> None:
    """Such a version named its state file ``warden.json`` and counted a start time in ticks since boot."""
    code = "import signal; signal.signal(15, lambda *_: exit(0)); print('ready', flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as old:
        assert old.stdout is not None
        assert old.stdout.readline() == "ready\n"
        seconds = psutil.Process(old.pid).create_time() - psutil.boot_time()
        ticks = round(seconds * os.sysconf("SC_CLK_TCK")) - (100_000 if has_ended else 0)
        state = {"pid": old.pid, "ticks": ticks, "detached": True, "services": {}}
        (home.run / "warden.json").write_text(json.dumps(state), encoding="utf-8")
        found = running_supervisor(home)
        was_stopped = stop_running(home, patience=20)
        if has_ended:  # another process has the number by now; it must not be stopped
            assert (found, was_stopped, old.poll()) == (None, False, None)
            old.terminate()
        else:
            assert (found, was_stopped) == (old.pid, True)
        assert old.wait(20) == 0
    assert running_supervisor(home) is None
