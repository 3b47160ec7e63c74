"""What imports once and forks the services: orders in, process ids out, and a job that fails said."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from klimatpuls.local import prefork, processes
from klimatpuls.local.control import Control, StackError
from klimatpuls.local.home import Home
from klimatpuls.local.supervisor import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")

STAND_IN = """
import os, sys, time
print("called with", sys.argv[1:], "as", sys.argv[0], flush=True)
if sys.argv[1] == "fail":
    raise RuntimeError("no such database")
if sys.argv[1] == "stay":
    time.sleep(60)
"""
"""What stands in for Airflow, found before it on the path."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "__init__.py").touch()
    (tmp_path / "airflow" / "__main__.py").write_text(
        f"def main():\n    exec({STAND_IN!r})\nif __name__ == '__main__':\n    main()\n", encoding="utf-8"
    )
    return made


@pytest.fixture
def control(home: Home) -> Iterator[Control]:
    with home.lock("test") as lock:
        made = Control(home, lock)
        made.start(
            Service(
                "litter",
                (sys.executable, "-m", "klimatpuls.local.prefork", f"--run={home.run}"),
                {**os.environ, "PYTHONPATH": str(home.root.parent)},
                str(home.logs / "litter.log"),
            )
        )
        yield made
        made.shutdown()
    assert processes.of_home(home.root) == set()


def part(home: Home, name: str, *words: str) -> Service:
    return Service(name, words, {}, str(home.logs / f"{name}.log"))


def test_jobs_end_before_services_begin_and_the_warden_becomes_their_parent(
    home: Home, control: Control
) -> None:
    stays = [part(home, name, "stay", name) for name in ("one", "two")]
    prefork.give_orders(home.run, [part(home, "job", "end")], stays)
    control.wait("litter", 30)
    assert json.loads((home.run / prefork.REPORT_FILE).read_text(encoding="utf-8")).keys() == {"one", "two"}
    pids = prefork.read_report(home.run)
    assert not (home.run / prefork.ORDERS_FILE).exists()
    for service in stays:
        assert control.adopt(service, pids[service.name]) in processes.children(control.pid)
        assert os.getpgid(pids[service.name]) == pids[service.name]
    assert "called with ['end'] as" in (home.logs / "job.log").read_text(encoding="utf-8")


def test_a_job_that_fails_is_told_with_what_it_said(home: Home, control: Control) -> None:
    prefork.give_orders(home.run, [part(home, "db-migrate", "fail")], [part(home, "one", "stay")])
    with pytest.raises(
        StackError,
        match=r"(?s)litter ended with 1; .*db-migrate ended with 1; .*RuntimeError: no such database",
    ):
        control.wait("litter", 30)
    assert prefork.read_report(home.run) == {}
