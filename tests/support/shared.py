"""What the workers of one test session make once and share: folders under the session's own, and one cluster.

Two workers are two processes that know nothing of each other but the folder of their session. Who comes first
makes a thing under a lock, who comes later finds it. The kernel gives up the locks of a worker that dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls.local.postgres import Cluster, temporary_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
"""Name of this worker, empty where the session has no workers."""
DONE = "done"
MEMORY = Path("/dev/shm")
ROOM = 10 * 2**30
"""Twice the bytes that the databases of a session were seen to come to."""


def session_folder(base: Path) -> Path:
    """The folder that all workers of a session have in common, given this worker's own."""
    return base.parent if WORKER else base


@contextmanager
def _locked(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


def once(root: Path, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first to ask has filled by ``make``; nobody may change what lies in it.

    A making that failed is begun again by the next to ask.
    """
    folder = root / name
    with _locked(root / f"{name}.lock"):
        if not (folder / DONE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / DONE).touch()
    return folder


_SETTINGS = {
    # ANALYZE looks at 6 000 rows instead of 30 000: after every load it takes longer than the load.
    "default_statistics_target": "20",
    # Thousands of connections need not take 3 ms each to prove that they know a password that is no secret.
    "scram_iterations": "1",
}


def _spare_the_machine(cluster: Cluster) -> None:
    with closing(cluster.connect()) as conn, conn.cursor() as cursor:
        conn.autocommit = True
        for name, value in _SETTINGS.items():
            cursor.execute(f"ALTER SYSTEM SET {name} = %s", (value,))
        cursor.execute("SELECT pg_reload_conf()")
        # The administrator's password is older than the settings.
        cursor.execute("SET scram_iterations = 1")
        cursor.execute("ALTER ROLE CURRENT_USER PASSWORD %s", (cluster.password,))


@contextmanager
def place(otherwise: Path) -> Iterator[Path]:
    """A folder for a cluster: in memory, until the block ends, where there is room; else the one named.

    A session makes and drops hundreds of databases of 700 files each. That is what a disk's file system is
    slowest at (ext4 looks at every inode freed in the last seconds before it takes one), and a cluster that
    ends with its session need not be on a disk.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield otherwise
        return
    for left in MEMORY.glob("klimatpuls-tests-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():  # its session was killed
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"klimatpuls-tests-{os.getpid()}-", dir=MEMORY) as folder:
        yield Path(folder)


class SharedCluster:
    """A throw-away PostgreSQL cluster for all workers of a session.

    The first to ask starts it and ends it, when no other worker uses it any more.

    Args:
        root: The folder the workers have in common.

    Attributes:
        folder: Place for what belongs to the cluster, once it is open.
    """

    folder: Path

    def __init__(self, root: Path) -> None:
        self._lock = root / "cluster.lock"
        self._users = root / "cluster.users"
        self._about = root / "cluster.json"
        self._root = root
        self._own = ExitStack()
        self._is_owner = False

    def open(self) -> Cluster:
        """The running cluster."""
        with _locked(self._lock):
            if self._about.exists():
                about = json.loads(self._about.read_text(encoding="utf-8"))
                self.folder = Path(about["folder"])
                running = Cluster(self.folder / "postgres", about["password"], about["port"], durable=False)
                if running.is_ready():
                    self._own.enter_context(_locked(self._users, fcntl.LOCK_SH))
                    return running
            self.folder = self._own.enter_context(place(self._root / f"cluster-{os.getpid()}"))
            made = self._own.enter_context(temporary_cluster(self.folder))
            _spare_the_machine(made)
            about = {"folder": str(self.folder), "password": made.password, "port": made.port}
            self._about.write_text(json.dumps(about), encoding="utf-8")
            self._is_owner = True
        return made

    def close(self) -> None:
        """Use it no more; whoever started it waits for the others, then stops it."""
        while self._is_owner:
            with _locked(self._lock), self._users.open("a") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass
                else:
                    self._about.unlink()
                    break
            time.sleep(0.2)
        self._own.close()
