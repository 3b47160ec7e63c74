"""Readers in the middle of switches: one publication per transaction, nobody waits for anybody's lock."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support.frames import frames_of
from support.releases import current, publish_now

from klimatpuls.pipeline.approval import decide_release
from klimatpuls.statistics import results
from klimatpuls.statistics.steps import Result
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from conftest import Published

    from klimatpuls.statistics.results import ResultInputs

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]

SWITCHES, READERS = 20, 10
RESULT_ROWS = 1_000
PATIENCE_S = 30.0
PAIRS = (
    ("region_overview", "target_progress"),
    ("emission", "network_summary"),
    ("municipality_overview", "revision"),
    ("release", "boundary_series"),
    ("release_gate", "population"),
)
_READ = "SELECT count(*), min(publication_id), max(publication_id) FROM mart.{}"
_WAITING = """
SELECT a.usename, extract(EPOCH FROM clock_timestamp() - l.waitstart)
FROM pg_locks AS l
INNER JOIN pg_stat_activity AS a ON l.pid = a.pid
WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.datname = current_database()
"""


class Switcher(threading.Thread):
    """Withdraws and restores a release, with a publication each time."""

    def __init__(self, published: Published, release_id: str) -> None:
        super().__init__()
        self.switched = 0
        self.straddled = threading.Semaphore(0)
        self._published, self._release_id = published, release_id
        self._frames: dict[str, pd.DataFrame] | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with closing(connect(self._published.warehouse.loader_dsn)) as conn:
                while self.switched < SWITCHES:
                    action = "restore" if self.switched % 2 else "withdraw"
                    decide_release(
                        conn,
                        self._release_id,
                        action=action,  # type: ignore[arg-type]
                        decided_by="operator",
                        reason="to and fro",
                        now=self._published.context.now,
                    )
                    made = publication.publish(
                        conn, as_of=self._day(), compute=self._compute, list_address=None
                    )
                    assert made is not None
                    self.switched += 1
                    for _ in range(READERS):
                        assert self.straddled.acquire(timeout=PATIENCE_S), "a reader is stuck"
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.switched = SWITCHES if self.error is None else SWITCHES + 1

    def _day(self) -> date:
        return self._published.context.as_of

    def _compute(self, inputs: ResultInputs) -> Iterable[Result]:
        """The results, calculated once, the first of each table: this test is about the switch."""
        if self._frames is None:
            whole = frames_of(results.each_result(inputs))
            self._frames = {name: frame.head(RESULT_ROWS) for name, frame in whole.items()}
        return [Result(name, frozenset(), frame) for name, frame in self._frames.items()]


class Reader(threading.Thread):
    """Reads pairs of marts in one transaction each, the second one after the switch."""

    def __init__(self, dsn: str, switcher: Switcher, pair: tuple[str, str]) -> None:
        super().__init__()
        self._dsn, self._switcher, self._pair = dsn, switcher, pair
        self.answers: list[tuple[Any, Any]] = []

    def run(self) -> None:
        with closing(psycopg2.connect(self._dsn)) as conn, conn.cursor() as cursor:
            conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
            while (seen := self._switcher.switched) < SWITCHES:
                first = self._ask(cursor, self._pair[0])
                deadline = time.monotonic() + PATIENCE_S
                while self._switcher.switched == seen and time.monotonic() < deadline:
                    time.sleep(0.002)
                self.answers.append((first, self._ask(cursor, self._pair[1])))
                conn.rollback()
                self._switcher.straddled.release()

    @staticmethod
    def _ask(cursor: Any, mart: str) -> tuple[int, int, int]:
        cursor.execute(_READ.format(mart))
        answer: tuple[int, int, int] = cursor.fetchone()
        return answer


class Waits(threading.Thread):
    """Looks every few milliseconds who waits for a lock, and remembers the longest wait per role."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._dsn = dsn
        self.over = threading.Event()
        self.longest_ms: dict[str, float] = {"bi_read": 0.0, "wh_loader": 0.0}
        self.polls = 0

    def run(self) -> None:
        with closing(psycopg2.connect(self._dsn)) as conn, conn.cursor() as cursor:
            conn.autocommit = True
            while not self.over.wait(0.003):
                cursor.execute(_WAITING)
                for role, seconds in cursor.fetchall():
                    self.longest_ms[role] = max(self.longest_ms.get(role, 0.0), 1000 * float(seconds))
                self.polls += 1


def test_readers_straddling_twenty_switches_never_see_two_publications(
    newer_waits: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published = newer_waits
    publish_now(published)
    switcher = Switcher(published, current(published))
    readers = [
        Reader(published.warehouse.bi_dsn, switcher, PAIRS[number % len(PAIRS)]) for number in range(READERS)
    ]
    waits = Waits(published.warehouse.admin_dsn)
    threads = [waits, *readers, switcher]
    for thread in threads:
        thread.start()
    for thread in (switcher, *readers):
        thread.join(200)
    waits.over.set()
    waits.join(10)
    assert switcher.error is None
    assert not any(thread.is_alive() for thread in threads)

    pairs = [pair for reader in readers for pair in reader.answers]
    assert len(pairs) >= SWITCHES * READERS
    ids = set()
    for (rows_a, low_a, high_a), (rows_b, low_b, high_b) in pairs:
        assert rows_a > 0
        assert low_a == high_a
        assert low_b in (None, low_a), "two publications in one transaction"
        assert high_b == low_b
        assert (rows_b > 0) == (low_b is not None)
        ids.add(low_a)
    assert len(ids) >= SWITCHES
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(pairs)} pairs of reads straddling {SWITCHES} switches; longest wait for a lock: "
            + ", ".join(f"{role} {ms:.0f} ms" for role, ms in waits.longest_ms.items())
            + "\n"
        )
    assert waits.polls > SWITCHES
    assert waits.longest_ms["bi_read"] <= 50
    assert waits.longest_ms["wh_loader"] <= 500
