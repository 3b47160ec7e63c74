"""Folders and a PostgreSQL cluster that the workers of one test session make once and share.

Workers are processes that share only the folder of their session. The first one that needs a thing makes it
under a lock; the others find it. The kernel releases the locks of a worker that dies.
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
"""Name of this worker; empty if the session has no workers."""
DONE = "done"
MEMORY = Path("/dev/shm")
NEEDED_BYTES = 10 * 2**30
"""Twice the measured size of all databases of a session."""


def session_folder(base: Path) -> Path:
    """The folder that all workers of a session share, from this worker's own."""
    return base.parent if WORKER else base


@contextmanager
def _locked(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


def once(root: Path, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first caller fills by ``make`` and nobody changes afterwards.

    If ``make`` fails, the next caller starts again.
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
    # ANALYZE samples 6 000 rows instead of 30 000: it runs after every load and took longer than the load.
    "default_statistics_target": "20",
    # Saves 3 ms for each of thousands of connections; the passwords are no secrets.
    "scram_iterations": "1",
}


def _apply_settings(cluster: Cluster) -> None:
    with closing(cluster.connect()) as conn, conn.cursor() as cursor:
        conn.autocommit = True
        for name, value in _SETTINGS.items():
            cursor.execute(f"ALTER SYSTEM SET {name} = %s", (value,))
        cursor.execute("SELECT pg_reload_conf()")
        # The administrator's password was set before scram_iterations.
        cursor.execute("SET scram_iterations = 1")
        cursor.execute("ALTER ROLE CURRENT_USER PASSWORD %s", (cluster.password,))


@contextmanager
def cluster_folder(otherwise: Path) -> Iterator[Path]:
    """A folder for a cluster: in memory until the block ends, if that has space; else the given one.

    A session makes and drops hundreds of databases of 700 files each, which file systems on disk do slowly
    (ext4 scans every inode freed in the last seconds before it takes one).
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < NEEDED_BYTES:
        yield otherwise
        return
    for left in MEMORY.glob("klimatpuls-tests-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():  # its session was killed
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"klimatpuls-tests-{os.getpid()}-", dir=MEMORY) as folder:
        yield Path(folder)


class SharedCluster:
    """A throw-away PostgreSQL cluster for all workers of a session.

    The first worker starts it, and stops it when no other worker uses it.

    Args:
        root: The folder the workers share.

    Attributes:
        folder: Folder of the cluster and of files made for it; set by :meth:`open`.
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
            self.folder = self._own.enter_context(cluster_folder(self._root / f"cluster-{os.getpid()}"))
            made = self._own.enter_context(temporary_cluster(self.folder))
            _apply_settings(made)
            about = {"folder": str(self.folder), "password": made.password, "port": made.port}
            self._about.write_text(json.dumps(about), encoding="utf-8")
            self._is_owner = True
        return made

    def close(self) -> None:
        """Stop using the cluster; the worker that started it waits for the others, then stops it."""
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
