"""Which processes belong to a home, told from what the kernel says about them, never from their names.

Two signs count: the environment variable :data:`MARKER` set to the home's path, which the warden gives
to everything it starts, and a working folder inside the home's cluster, which is how PostgreSQL's own
children (they overwrite their environment) are known. Linux only; elsewhere the functions find nothing
and the warden relies on process groups.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MARKER = "KLIMATPULS_STACK"
_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; ``None`` when there is no such process.

    Args:
        pid: Process id.

    Returns:
        Together with the id this names a process for good: ids are used again, the pair is not.
    """
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def is_alive(pid: int, ticks: int | None = None) -> bool:
    """Tell whether a process runs (a zombie does not).

    Args:
        pid: Process id.
        ticks: Start time from :func:`start_ticks`; another start time means another process.
    """
    fields = _stat(pid)
    return fields is not None and fields[0] not in "ZX" and (ticks is None or int(fields[19]) == ticks)


def of_home(root: Path, cluster: Path | None = None) -> set[int]:
    """Return the processes that belong to a home, without the calling one.

    Args:
        root: Resolved path of the home.
        cluster: Data folder of its PostgreSQL, when it has one.

    Returns:
        Process ids, zombies left out.
    """
    sign = os.fsencode(f"{MARKER}={root}")
    found = set()
    for pid in _all_pids():
        if pid != os.getpid() and is_alive(pid) and (_has_sign(pid, sign) or _works_in(pid, cluster)):
            found.add(pid)
    return found


def working_in(folder: Path) -> set[int]:
    """Return the processes whose working folder this is, such as a cluster's server and its children.

    Args:
        folder: Resolved path.
    """
    return {pid for pid in _all_pids() if _works_in(pid, folder) and is_alive(pid)}


def die_with_parent(number: signal.Signals) -> None:
    """Ask the kernel to signal the calling process when its parent ends; for use between fork and exec.

    Args:
        number: Signal to get. Elsewhere than on Linux nothing happens.
    """
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def adopt_orphans() -> None:
    """Make the calling process the parent of every orphan below it (Linux)."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(of: int) -> set[int]:
    """Return the processes right below one, zombies left out.

    Args:
        of: Process id of the parent.
    """
    return {pid for pid, parent in _parents().items() if parent == of}


def descendants(of: int) -> set[int]:
    """Return every process below one, zombies left out.

    Args:
        of: Process id of the ancestor.
    """
    parents = _parents()
    found: set[int] = set()
    layer = {of}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer} - found
        found |= layer
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes; those that ended meanwhile are passed over.

    Args:
        pids: Process ids.
        number: Signal.
    """
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def sweep(root: Path, cluster: Path | None = None, *, patience: float = 8.0) -> int:
    """End what an earlier stack of this home left behind; call it with the home's lock held.

    PostgreSQL's postmaster gets SIGINT (fast, clean shutdown), everything else SIGTERM; what is there
    after ``patience`` seconds gets SIGKILL.

    Args:
        root: Resolved path of the home.
        cluster: Data folder of its PostgreSQL.
        patience: Seconds to wait before SIGKILL.

    Returns:
        How many processes were found.
    """
    left = of_home(root, cluster)
    found = len(left)
    if found:
        databases = {pid for pid in left if _works_in(pid, cluster)}
        send(left - databases, signal.SIGTERM)
        send(databases, signal.SIGINT)
    deadline = time.monotonic() + patience
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = of_home(root, cluster)
    while left:
        send(left, signal.SIGKILL)
        time.sleep(0.05)
        left = of_home(root, cluster)
    return found


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _all_pids() -> list[int]:
    if not _PROC.is_dir():
        return []
    return [int(entry) for entry in os.listdir(_PROC) if entry.isdigit()]  # noqa: PTH208 - thousands of Path objects


def _parents() -> dict[int, int]:
    """Return the parent of every process, zombies left out."""
    return {pid: int(fields[1]) for pid in _all_pids() if (fields := _stat(pid)) and fields[0] not in "ZX"}


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name: state, parent, …, start time at index 19."""
    try:
        line = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return line.rpartition(")")[2].split()


def _has_sign(pid: int, sign: bytes) -> bool:
    try:
        return sign in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # somebody else's process, or one that just ended
        return False


def _works_in(pid: int, folder: Path | None) -> bool:
    if folder is None:
        return False
    try:
        return (_PROC / str(pid) / "cwd").readlink() == folder
    except OSError:
        return False
