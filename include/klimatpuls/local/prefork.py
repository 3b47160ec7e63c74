"""Imports Airflow once and forks its services from that: three of them would import the same for 3 s each.

The warden starts it before the database is there, so that importing costs no time of its own. It waits for
its orders (a file), migrates Airflow's metadata where that is ordered, forks the services, reports their
process ids (a file) and ends: the warden, as the nearest one that adopts orphans, becomes their parent.
Each service waits for that and then runs ``airflow`` as if it had been called on a command line.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import logging
import os
import runpy
import signal
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from setproctitle import setproctitle

from klimatpuls.local import processes
from klimatpuls.local.home import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from klimatpuls.local.supervisor import Service

SHARED = (
    "airflow.__main__",
    "airflow.cli.cli_parser",
    "airflow.cli.commands.db_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.cli.commands.scheduler_command",
    "airflow.utils.db",
    "airflow.jobs.scheduler_job_runner",
    "airflow.jobs.dag_processor_job_runner",
    "airflow.executors.local_executor",
    "airflow.providers_manager",
    "airflow.plugins_manager",
    "airflow.serialization.serialized_objects",
    "airflow.sdk.definitions.decorators",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.api_fastapi.execution_api.app",
    "airflow.providers.standard.decorators.branch_python",
    "airflow.providers.standard.decorators.sensor",
)
"""Modules that more than one service needs; one that a later Airflow does not have is passed over."""
ORDERS_FILE, REPORT_FILE = "airflow-orders.json", "airflow-services.json"
"""In the folder ``run`` of the home: what is to be started, and the process ids."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program.

    Args:
        arguments: Command line, ``sys.argv[1:]`` when left out.

    Returns:
        0 when the services were forked; in a service, what ``airflow`` ends with.
    """
    parser = argparse.ArgumentParser(prog="klimatpuls.local.prefork")
    parser.add_argument("--run", type=Path, required=True, help="folder of orders and report")
    folder = parser.parse_args(arguments).run
    warden = os.getppid()
    # A start makes a million objects that stay: looking them through time and again is a third of it.
    gc.set_threshold(100_000, 20, 100)
    _import(SHARED)
    orders = _await_orders(folder / ORDERS_FILE)
    for job in orders["jobs"]:
        code = _run_to_its_end(job)
        if code:
            sys.stderr.write(
                f"{job['name']} ended with {code}; the end of {job['log']}:\n{_tail(job['log'])}"
            )
            return 1
    gc.collect()
    gc.freeze()  # so that looking through what is shared does not copy it
    pids = {service["name"]: _fork(service, warden) for service in orders["services"]}
    write_json(folder / REPORT_FILE, pids)
    os._exit(0)  # what was registered to be done at exit is the services' business


def give_orders(folder: Path, jobs: Iterable[Service], services: Iterable[Service]) -> None:
    """Say what is to be run, first jobs one after the other, then services side by side.

    Args:
        folder: Folder ``run`` of the home.
        jobs: Their command lines are what stands behind ``airflow``.
        services: The same.
    """
    given = {"jobs": [asdict(job) for job in jobs], "services": [asdict(service) for service in services]}
    write_json(folder / ORDERS_FILE, given)


def read_report(folder: Path) -> dict[str, int]:
    """Return the process ids by service that were reported, and remove both files.

    Args:
        folder: Folder ``run`` of the home.
    """
    pids = read_json(folder / REPORT_FILE)
    forget(folder)
    return pids


def forget(folder: Path) -> None:
    """Remove orders and report, such as those of a start that was cut off.

    Args:
        folder: Folder ``run`` of the home.
    """
    for name in (ORDERS_FILE, REPORT_FILE):
        (folder / name).unlink(missing_ok=True)


def _import(modules: Iterable[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            sys.stderr.write(f"not imported ahead: {error}\n")


def _await_orders(file: Path) -> dict[str, Any]:
    while not file.exists():
        time.sleep(0.02)
    return json.loads(file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _run_to_its_end(job: Mapping[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        _become(job)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _tail(log: str) -> str:
    return Path(log).read_text(encoding="utf-8", errors="replace")[-4000:]


def _fork(service: Mapping[str, Any], warden: int) -> int:
    child = os.fork()
    if child:
        return child
    os.setpgid(0, 0)
    litter = os.getppid()
    while os.getppid() == litter != warden:
        time.sleep(0.005)
    processes.die_with_parent(signal.SIGTERM)
    if os.getppid() != warden:
        os._exit(1)  # it ended meanwhile
    _become(service)


def _become(service: Mapping[str, Any]) -> NoReturn:
    """Run ``airflow`` in this process, writing to the log of the service."""
    log = os.open(service["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
    setproctitle(f"airflow {' '.join(service['argv'])}")
    _import(service["preload"])
    sys.argv = ["airflow", *service["argv"]]
    code: object = 1
    try:
        runpy.run_module("airflow", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    finally:
        if trouble := sys.exception():
            traceback.print_exception(trouble)
        # All is said and done: taking a million objects apart would take two seconds.
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    sys.exit(main())
