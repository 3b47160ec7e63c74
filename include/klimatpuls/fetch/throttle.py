"""Holds back calls to a host, so that all who share a call log keep the host's rate limits together."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from klimatpuls.fetch import rate_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from klimatpuls.fetch.rate_limit import Window


class CallLog(Protocol):
    """Counts the calls to each host, for one process or for all that share a warehouse."""

    def take(self, host: str, windows: Sequence[Window]) -> tuple[float, int]:
        """Counts a call and returns 0 and its number, or returns the seconds after which to try again."""

    def answered(self, host: str, call: int) -> None:
        """Notes that a call has ended, with or without an answer."""

    def state(self, host: str, windows: Sequence[Window]) -> None:
        """Shares the rate limits that the host advertises with everybody else who calls it."""


class MemoryCallLog:
    """Counts the calls of this process alone: for a check without a warehouse.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._arrived: defaultdict[str, list[float | None]] = defaultdict(list)
        self._stated: dict[str, tuple[Window, ...]] = {}

    def take(self, host: str, windows: Sequence[Window]) -> tuple[float, int]:
        """Takes a slot if one is free now; see :class:`CallLog`."""
        with self._lock:
            now, arrived = self._clock(), self._arrived[host]
            kept = rate_limit.kept_windows([*windows, *self._stated.get(host, ())])
            ages = [0.0 if moment is None else now - moment for moment in arrived]
            wait = rate_limit.seconds_to_wait(sorted(ages, reverse=True), kept)
            if wait == 0:
                arrived.append(None)
            return wait, len(arrived) - 1

    def answered(self, host: str, call: int) -> None:
        """Notes that a call has ended; see :class:`CallLog`."""
        with self._lock:
            self._arrived[host][call] = self._clock()

    def state(self, host: str, windows: Sequence[Window]) -> None:
        """Keeps the limits that a host advertises; the newest replace the earlier ones."""
        with self._lock:
            self._stated[host] = tuple(windows)


class Throttle:
    """Holds back the calls to one host, so that all who share the call log keep within a window.

    Args:
        host: The host, as the call log names it.
        windows: (calls, seconds) that we keep whatever the host allows.
        call_log: Where calls are counted.
        sleep: How to wait.
    """

    def __init__(
        self,
        host: str,
        windows: Sequence[Window],
        *,
        call_log: CallLog,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        rate_limit.kept_windows(windows)
        self._host = host
        self._call_log = call_log
        self._sleep = sleep
        self._ours = tuple(windows)
        self._stated: tuple[Window, ...] = ()

    @property
    def windows(self) -> tuple[Window, ...]:
        """What is allowed as far as we know: our own windows, then those that the host advertises."""
        return tuple(dict.fromkeys((*self._ours, *self._stated)))

    @property
    def longest_window(self) -> float:
        """Length of the longest window in seconds; 0 without windows."""
        return max((seconds for _, seconds in self.windows), default=0.0)

    def learn(self, windows: Sequence[Window]) -> None:
        """Keeps what the host advertises in addition to our own windows; calls already made count.

        Raises:
            ValueError: if a window allows no call or has no length.
        """
        rate_limit.kept_windows(windows)
        self._stated = tuple(windows)
        self._call_log.state(self._host, windows)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Waits until a call may start and counts it; the call has ended when the block has."""
        while True:
            seconds, call = self._call_log.take(self._host, self.windows)
            if seconds == 0:
                break
            self._sleep(seconds)
        try:
            yield
        finally:
            self._call_log.answered(self._host, call)
