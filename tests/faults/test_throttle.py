"""One throttle per host for every process: measured where the calls arrive."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import date
from typing import TYPE_CHECKING

import pytest

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.fetch import rate_limit
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.warehouse.calls import WarehouseCallLog
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Warehouse

SCB_POPULATION = SOURCES["scb_population"]
pytestmark = pytest.mark.postgres

HOST = SCB_POPULATION.hosts[0]
PROCESSES = 4
TABLE = "/scb/api/v2/tables/TAB638"
CALLER = """
import sys
from dataclasses import replace
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.fetch.http import open_session
from klimatpuls.warehouse.calls import WarehouseCallLog
from klimatpuls.warehouse.connection import connect

dsn, url, calls, reads_config = sys.argv[1:]
source = replace(SOURCES["scb_population"], calls_per_window=())
with open_session(source, url, call_log=WarehouseCallLog(connect(dsn))) as session:
    if reads_config == "True":
        from klimatpuls.fetch.pxweb.client import PxWebClient

        PxWebClient(session=session, base_url=session.base_url).fetch_config()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(calls)):
        session.get(f"{session.base_url}/tables/TAB638")
"""


def most_in_any_window(moments: list[float], seconds: float) -> int:
    """The largest number of moments that lie within so many seconds of each other."""
    return max(
        sum(1 for later in moments[place:] if later - first < seconds) for place, first in enumerate(moments)
    )


@pytest.mark.parametrize(
    ("limit", "calls_each"), [((3, 0.5), 3), ((30, 3.0), 12)], ids=["3 at a time", "30 at a time"]
)
def test_four_processes_together_keep_what_one_of_them_was_told(
    warehouse: Warehouse, small_archive: Path, limit: tuple[int, float], calls_each: int
) -> None:
    calls, seconds = limit
    replica = MockAgencies(small_archive, date(2026, 5, 8), calls=calls, window_seconds=seconds)
    replica.read()
    with MockServer(replica) as server, ExitStack() as stack:
        processes: list[subprocess.Popen[str]] = []
        for number in range(PROCESSES):
            arguments = [warehouse.loader_dsn, server.url + SCB_POPULATION.mock_path, str(calls_each)]
            process = subprocess.Popen(
                [sys.executable, "-c", CALLER, *arguments, str(number == 0)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(timeout=60) for process in processes] == [0] * PROCESSES
        moments = sorted(moment for moment, path in server.arrivals if path == TABLE)
        statuses = {status for _, _, status in server.log}

    assert statuses == {200}
    assert len(moments) == PROCESSES * calls_each
    # However long a call was on its way: the limit less a tenth, where the calls arrive.
    ((kept, _),) = rate_limit.kept_windows([limit])
    assert most_in_any_window(moments, seconds) <= kept


def take(call_log: WarehouseCallLog, *limits: tuple[int, float], host: str = HOST) -> float:
    """Make a call that is answered at once; returns the seconds it would have to wait instead, or 0."""
    seconds, call = call_log.take(host, limits)
    if seconds == 0:
        call_log.answered(host, call)
    return seconds


def move_calls(warehouse: Warehouse, interval: str) -> None:
    with closing(connect(warehouse.admin_dsn)) as admin, admin, admin.cursor() as cursor:
        cursor.execute(
            "UPDATE ops.host_call SET called_at = called_at + %(by)s::interval,"
            " answered_at = answered_at + %(by)s::interval",
            {"by": interval},
        )


def test_a_slot_is_free_again_when_its_window_has_passed(warehouse: Warehouse) -> None:
    with closing(connect(warehouse.loader_dsn)) as conn:
        call_log = WarehouseCallLog(conn)
        assert [take(call_log, (3, 60.0)) for _ in range(2)] == [0, 0]
        assert 59 < take(call_log, (3, 60.0)) <= 60
        assert take(call_log, (3, 60.0), host="another.example.org") == 0
        move_calls(warehouse, "-58 seconds")
        assert 0 < take(call_log, (3, 60.0)) <= 2
        move_calls(warehouse, "-2 seconds")
        assert take(call_log, (3, 60.0)) == 0


def test_a_call_of_a_killed_process_holds_its_slot_until_it_must_have_arrived(warehouse: Warehouse) -> None:
    with closing(connect(warehouse.loader_dsn)) as killed:
        WarehouseCallLog(killed).take(HOST, [(1, 9.0)])
    with closing(connect(warehouse.loader_dsn)) as conn:
        call_log = WarehouseCallLog(conn)
        move_calls(warehouse, "-14 seconds")
        assert take(call_log, (1, 9.0)) == pytest.approx(10.0)
        move_calls(warehouse, "-10 seconds")
        assert 0 < take(call_log, (1, 9.0)) <= 1.0
        move_calls(warehouse, "-1 second")
        assert take(call_log, (1, 9.0)) == 0


def test_what_a_host_says_of_itself_holds_for_all_and_its_newest_word_counts(warehouse: Warehouse) -> None:
    with closing(connect(warehouse.loader_dsn)) as one, closing(connect(warehouse.loader_dsn)) as other:
        WarehouseCallLog(one).state(HOST, [(1, 60.0)])
        assert take(WarehouseCallLog(other), (100, 1.0)) == 0
        assert take(WarehouseCallLog(other), (100, 1.0)) > 60
        WarehouseCallLog(one).state(HOST, [(50, 60.0)])
        assert take(WarehouseCallLog(other), (100, 1.0)) == 0


def test_a_clock_that_was_set_back_holds_nobody_up(warehouse: Warehouse) -> None:
    with closing(connect(warehouse.loader_dsn)) as conn:
        call_log = WarehouseCallLog(conn)
        take(call_log, (1, 10.0))
        move_calls(warehouse, "1 hour")
        assert take(call_log, (1, 10.0)) == 0


def test_calls_are_kept_for_a_week_and_counted_by_host(warehouse: Warehouse) -> None:
    with closing(connect(warehouse.loader_dsn)) as conn:
        call_log = WarehouseCallLog(conn)
        for host in (HOST, HOST, "another.example.org"):
            take(call_log, host=host)
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp() - interval '1 hour'")
            (moment,) = cursor.fetchone()
            cursor.execute(load_sql("read/calls_since.sql"), {"moment": moment})
            assert cursor.fetchall() == [("another.example.org", 1), (HOST, 2)]
        move_calls(warehouse, "-8 days")
        take(call_log)
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ops.host_call WHERE host = %s", (HOST,))
            assert cursor.fetchone() == (1,)
