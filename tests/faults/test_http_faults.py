"""What a network can do to a call, over real sockets: bounded, named, and never half a file.

Pauses are not slept but added to the clock, so that the 120 seconds of a call are measured in a second.
"""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import EXIT_FETCH, FetchError
from klimatpuls.fetch.http import Limits, open_session
from klimatpuls.fetch.snapshots import SnapshotStore
from klimatpuls.pipeline import snapshot
from klimatpuls.pipeline.context import RunContext
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Warehouse

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
pytestmark = pytest.mark.postgres

DATASET = SMHI_EMISSIONS.datasets[0]
SOURCE = replace(
    SMHI_EMISSIONS, calls_per_window=(), datasets=(replace(DATASET, substances=DATASET.substances[:1]),)
)
"""One file, asked for without a throttle."""
FILE = b"the bytes of a workbook " * 1000
PACKED = gzip.compress(FILE, mtime=0)
DAY = date(2026, 5, 8)
HASTE_SECONDS = 0.8
"""What a busy machine may take beyond the limit of a call."""


def answer(
    body: bytes = FILE, status: str = "200 OK", *, announced: int | None = None, **headers: str
) -> bytes:
    """An answer as it goes over the wire; ``announced`` lies about the length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if announced is None else announced}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row of the matrix.

    Attributes:
        answers: What the server sends, call after call; the last one for ever. Nothing is silence.
        tries: How many calls reach the server.
        words: Part of the message, or empty where the file comes in the end.
        pauses: Seconds that the caller pauses, call after call.
        is_reset: Whether the connection is reset after the answer.
        silent_seconds: Pause before a dripping answer begins.
        drip_seconds: Pause before each byte of the body.
        head_drips: Whether the headers drip too.
        limits: Waiting limits of the case.
    """

    answers: tuple[bytes | Callable[[], bytes], ...]
    tries: int
    words: str = ""
    pauses: tuple[float, ...] = ()
    is_reset: bool = False
    silent_seconds: float = 0.0
    drip_seconds: float = 0.0
    head_drips: bool = False
    limits: Limits = field(default_factory=Limits)


def too_many_until_a_date() -> bytes:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    return answer(b"slow down", "429 Too Many Requests", Retry_After=moment)


BACKOFF = (1.0, 2.0, 4.0, 8.0)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n"
MATRIX = {
    "429 with seconds": Fault(
        answers=(answer(b"", "429 Too Many Requests", Retry_After="7"), answer()), tries=2, pauses=(7.0,)
    ),
    "429 with a date": Fault(answers=(too_many_until_a_date, answer()), tries=2, pauses=(30.0,)),
    "429 for ever": Fault(
        answers=(answer(b"", "429 Too Many Requests", Retry_After="50"),),
        tries=3,
        pauses=(50.0, 50.0),
        words="HTTP 429, asking us to wait 50 s (20 s are left of 120 s)",
    ),
    "503 twice": Fault(answers=(answer(b"", "503 Busy"), answer(b"", "503 Busy"), answer()), tries=3,
                       pauses=BACKOFF[:2]),
    "503 for ever": Fault(
        answers=(answer(b"", "503 Busy"),), tries=5, pauses=BACKOFF, words="HTTP 503 after 5 attempt(s)"
    ),
    "silence": Fault(
        answers=(b"",), tries=5, pauses=BACKOFF, words="no answer in time (attempt 5 of 5",
        limits=Limits(read_seconds=0.1),
    ),
    "silence that outlasts the call": Fault(
        answers=(b"",), tries=2, pauses=(0.1,), words="attempt 2 of 5, 0.5 s for all of them",
        limits=Limits(read_seconds=0.3, total_seconds=0.5, backoff_seconds=0.1),
    ),
    "reset at half": Fault(
        answers=(answer(FILE[: len(FILE) // 2], announced=len(FILE)),),
        tries=5, pauses=BACKOFF, is_reset=True, words="attempt 5 of 5",
    ),
    "wrong length": Fault(
        answers=(answer(announced=len(FILE) + 1),), tries=5, pauses=BACKOFF,
        words="the connection ended before the whole body had come",
    ),
    "half a chunk": Fault(
        answers=(CHUNKED + FILE[:500],), tries=5, pauses=BACKOFF,
        words="the connection ended before the whole body had come",
    ),
    "whole gzip": Fault(answers=(answer(PACKED, Content_Encoding="gzip"),), tries=1),
    "truncated gzip": Fault(
        answers=(answer(PACKED[:-12], Content_Encoding="gzip"),), tries=5, pauses=BACKOFF,
        words="the packed body ended before its end",
    ),
    "damaged gzip": Fault(
        answers=(answer(PACKED[:-8] + bytes(8), Content_Encoding="gzip"),), tries=5, pauses=BACKOFF,
        words="the packed body is damaged",
    ),
    "gzip with more behind it": Fault(
        answers=(answer(PACKED + PACKED, Content_Encoding="GZIP"),),
        tries=5,
        pauses=BACKOFF,
        words="the packed body is followed by something else",
    ),
    "another packing": Fault(
        answers=(answer(PACKED, Content_Encoding="br"),), tries=5, pauses=BACKOFF,
        words="the body is packed as 'br', but gzip was requested",
    ),
    "gzip that unpacks beyond the cap": Fault(
        answers=(answer(PACKED, Content_Encoding="gzip"),), tries=1,
        words="larger than the cap of 23999 bytes", limits=Limits(max_bytes=len(FILE) - 1),
    ),
    "redirect to a foreign host": Fault(
        answers=(answer(b"", "302 Found", Location="https://example.org/x"),), tries=1,
        words="example.org is not among the hosts of this source",
    ),
    "redirect to a private address": Fault(
        answers=(answer(b"", "302 Found", Location="https://10.0.0.1/x"),), tries=1,
        words="10.0.0.1 is not among the hosts of this source",
    ),
    "redirect to another port of this machine": Fault(
        answers=(answer(b"", "302 Found", Location="http://127.0.0.1:1/x"),), tries=1,
        words="127.0.0.1:1 is not among the hosts of this source",
    ),
    "redirects with trouble between": Fault(
        answers=(answer(b"", "503 Busy"), answer(b"", "302 Found", Location="/x"), answer(b"", "503 Busy")),
        tries=6, pauses=BACKOFF, words="HTTP 503 after 6 attempt(s)",
    ),
    "empty body": Fault(answers=(answer(b""),), tries=5, pauses=BACKOFF, words="the body is empty"),
    "silence, then a slow drip": Fault(
        answers=(answer(),), tries=1, silent_seconds=0.9, drip_seconds=0.02,
        words="no complete answer within 1 s", limits=Limits(total_seconds=1.0),
    ),
    "headers that drip": Fault(
        answers=(answer(),), tries=1, drip_seconds=0.05, head_drips=True,
        words="no answer in time (attempt 1 of 5, 0.5 s for all of them)", limits=Limits(total_seconds=0.5),
    ),
    "headers that drip, and silence before": Fault(
        answers=(answer(),), tries=1, silent_seconds=0.3, drip_seconds=0.05, head_drips=True,
        words="no answer in time (attempt 1 of 5, 0.6 s for all of them)", limits=Limits(total_seconds=0.6),
    ),
    "slow drip": Fault(
        answers=(answer(),), tries=1, drip_seconds=0.02, words="no complete answer within 0.5 s",
        limits=Limits(total_seconds=0.5),
    ),
}  # fmt: skip


class SkippingClock:
    """The clock of this machine, moved on by every pause that is asked for."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def now(self) -> float:
        return time.monotonic() + sum(self.pauses)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


class FaultyServer:
    """Answers as a fault says, on this machine; a context manager.

    Attributes:
        url: Its address.
        calls: What it was asked.
    """

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.calls: list[bytes] = []

    def __enter__(self) -> FaultyServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                peer, _ = self._listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._reply, args=(peer,), daemon=True).start()

    def _reply(self, peer: socket.socket) -> None:
        # The caller hangs up on what takes too long, as it should.
        with peer, suppress(OSError):
            self.calls.append(peer.recv(65536))
            chosen = self._fault.answers[min(len(self.calls), len(self._fault.answers)) - 1]
            whole = chosen if isinstance(chosen, bytes) else chosen()
            if not whole:
                self._stop.wait(1.0)
            elif self._fault.drip_seconds:
                self._drip(peer, whole)
            else:
                peer.sendall(whole)
            if self._fault.is_reset:
                # A linger time of zero makes closing send a reset instead of an orderly end.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _drip(self, peer: socket.socket, whole: bytes) -> None:
        self._stop.wait(self._fault.silent_seconds)
        head, end, body = whole.partition(b"\r\n\r\n")
        if not self._fault.head_drips:
            peer.sendall(head + end)
        for byte in whole if self._fault.head_drips else body:
            if self._stop.wait(self._fault.drip_seconds):
                return
            peer.sendall(bytes([byte]))


@pytest.fixture(scope="module")
def house(new_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """One warehouse for the whole matrix: no row of it leaves anything behind but its run."""
    return new_warehouse()


@pytest.mark.parametrize("fault", MATRIX.values(), ids=MATRIX.keys())
def test_a_call_is_bounded_its_trouble_named_and_half_a_file_never_kept(
    house: Warehouse, tmp_path: Path, fault: Fault
) -> None:
    context = RunContext(home=tmp_path, origin="archive", as_of=DAY, now=datetime(2026, 5, 8, 9, tzinfo=UTC))
    clock = SkippingClock()
    trouble = None
    with closing(connect(house.loader_dsn)) as conn, FaultyServer(fault) as server:
        with conn:
            run = runs.start_run(
                conn, source=SOURCE.id, origin=context.origin, as_of=DAY, orchestrator_run=None
            )
        began = clock.now()
        with open_session(
            SOURCE, server.url, limits=fault.limits, clock=clock.now, sleep=clock.sleep
        ) as session:
            try:
                snapshot.take_snapshots(conn, SOURCE, session, context, run_id=run.run_id)
            except FetchError as error:
                trouble = error
        took = clock.now() - began

    assert len(server.calls) == fault.tries
    assert clock.pauses == pytest.approx(fault.pauses, abs=2.0 if callable(fault.answers[0]) else 0)
    assert took <= fault.limits.total_seconds + HASTE_SECONDS
    if fault.words:
        assert trouble is not None
        assert trouble.exit_code == EXIT_FETCH
        assert fault.words in str(trouble)
        assert str(trouble).startswith(f"{SOURCE.id}: GET http")
        assert "What to do: " in str(trouble)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    else:
        assert trouble is None
        store = SnapshotStore(context.snapshots)
        assert [store.read_parts(kept) for kept in store.snapshots()] == [(FILE,)]


def test_a_call_has_two_minutes_and_five_tries() -> None:
    assert (Limits().total_seconds, Limits().retries + 1) == (120, 5)
