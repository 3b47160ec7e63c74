"""Find, signal and end the processes of a state directory, whatever their names.

A process belongs to a state directory if its environment carries :data:`MARKER` with that path (the
supervisor sets it for everything it starts), or if its working folder is the cluster's: PostgreSQL's own
children overwrite their environment.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MARKER = "KLIMATPULS_STACK"
CLOCK_SHIFT = 2.0
"""Seconds by which the start time of one process may differ between two readings: the clock may be set."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def start_time(pid: int) -> float | None:
    """Return when a process started, seconds since 1970; ``None`` if there is no such process.

    Process ids are reused. The pair of id and start time is not.
    """
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def is_alive(pid: int, started: float | None = None) -> bool:
    """Return whether a process runs and, if a start time is named, is the one that started then."""
    try:
        process = psutil.Process(pid)
        is_same = started is None or abs(process.create_time() - started) < CLOCK_SHIFT
        return is_same and not _is_zombie(process)
    except psutil.Error:
        return False


def of_home(root: Path, cluster: Path | None = None) -> set[int]:
    """Return the process ids of a state directory, without the calling process and zombies.

    Args:
        root: Resolved path of the state directory.
        cluster: Data folder of its PostgreSQL.
    """
    return {
        process.pid
        for process in psutil.process_iter()
        if process.pid != os.getpid()
        and (_marker_of(process) == str(root) or _works_in(process, cluster))
        and not _is_zombie(process)
    }


def working_in(folder: Path) -> set[int]:
    """Return the processes with this working folder, such as a cluster's server and its children."""
    return {process.pid for process in psutil.process_iter() if _works_in(process, folder)}


def descendants(of: int) -> set[int]:
    """Return the ids of all children, grandchildren and so on of a process, without zombies."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {child.pid for child in psutil.Process(of).children(recursive=True) if not _is_zombie(child)}
    return set()


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel signal this process when its parent ends (Linux); for use between fork and exec."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def adopt_orphans() -> None:
    """Make the calling process the parent of every orphan among its descendants (Linux)."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes; skip those that have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def sweep(root: Path, cluster: Path | None = None, *, patience: float = 8.0) -> int:
    """End the processes that an earlier stack left, and return their number; take the lock first.

    PostgreSQL's processes get SIGINT (fast, clean shutdown), all others SIGTERM. What still runs after
    ``patience`` seconds gets SIGKILL.
    """
    left = of_home(root, cluster)
    found = len(left)
    databases = working_in(cluster) & left if cluster else set()
    send(left - databases, signal.SIGTERM)
    send(databases, signal.SIGINT)
    deadline = time.monotonic() + patience
    while left:
        if time.monotonic() > deadline:
            send(left, signal.SIGKILL)
        time.sleep(0.05)
        left = of_home(root, cluster)
    return found


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _marker_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):  # another user's process, or one that has just ended
        return None


def _works_in(process: psutil.Process, folder: Path | None) -> bool:
    try:
        return folder is not None and process.cwd() == str(folder)
    except (psutil.Error, OSError):
        return False
