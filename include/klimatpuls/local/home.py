"""The home folder: everything an embedded stack remembers, and the lock that keeps it to one owner.

Layout (folder mode 0700, secrets 0600)::

    config.json   origin, sources, archive and as-of date of this home
    secrets.json  generated passwords and keys
    postgres/     the cluster          airflow/    Airflow's own home
    snapshots/    raw bytes by hash    reports/    rendered digests
    data_docs/    validation pages     mail/       caught messages (.eml)
    superset/     Superset's metadata, logs and process files (``klimatpuls bi``)
    logs/         one file per service run/        lock, process and address files of a running stack
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from klimatpuls.errors import UsageError, WrongHomeError
from klimatpuls.pipeline.context import AIR_POLLUTANTS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

ORIGINS = ("live", "archive", "synthetic")
READING = "sql, status or the like"
"""Purpose of a command that starts just the database, to read, and is soon done."""
READING_PATIENCE = 30.0
"""Seconds a command waits for a reading one to be done with the home."""
FOLDERS = ("airflow", "snapshots", "reports", "data_docs", "mail", "logs", "run")


@dataclass(frozen=True)
class Config:
    """What a home remembers between runs; ``None`` means not decided yet.

    Attributes:
        origin: ``live``, ``archive`` or ``synthetic``: where its figures come from.
        sources: ``live`` or ``replica``: what its commands ask.
        archive: Absolute path of the archive folder the replica serves.
        as_of: ISO date the replica answers as of, and the runs' "now".
        first_published: ISO date of the first publication; until then a home may change its origin.
        air_pollutants: What ``KLIMATPULS_AIR_POLLUTANTS`` said last, for commands that say nothing.
        replica: ``as-recorded`` where the replica answers as the agencies' servers were recorded.
    """

    origin: str | None = None
    sources: str | None = None
    archive: str | None = None
    as_of: str | None = None
    first_published: str | None = None
    air_pollutants: str | None = None
    replica: str | None = None


@dataclass(frozen=True)
class Secrets:
    """Generated passwords and keys of one home; none of them is ever logged or shown.

    Attributes:
        admin: Password of the cluster's bootstrap role.
        airflow_db: Password of the role that owns Airflow's metadata.
        wh_loader: Password of the warehouse's loader.
        wh_mailer: Password of the warehouse's mailer.
        bi_read: Password of the read-only role.
        smtp: Password of the mail catcher.
        airflow_admin: Password of the Airflow user ``klimatpuls``.
        fernet_key: Airflow's key for stored connections (urlsafe base64 of 32 bytes).
        jwt_secret: Airflow's key for tokens.
        api_secret: Airflow's key for sessions.
        superset_admin: Password of the Superset user ``klimatpuls``.
        superset_key: Superset's key for sessions and for the warehouse's password in its metadata.
    """

    admin: str
    airflow_db: str
    wh_loader: str
    wh_mailer: str
    bi_read: str
    smtp: str
    airflow_admin: str
    fernet_key: str
    jwt_secret: str
    api_secret: str
    superset_admin: str
    superset_key: str

    def __repr__(self) -> str:
        return "Secrets(…)"

    @classmethod
    def generate(cls) -> Self:
        """Return fresh random secrets (24 bytes each, urlsafe; the Fernet key 32)."""
        values = {field.name: secrets.token_urlsafe(24) for field in fields(cls)}
        values["fernet_key"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        return cls(**values)


class Home:
    """A home folder, made on first use.

    Args:
        root: Folder of the home; made with mode 0700 when it is missing.
        folders: What is made in it, ``run`` and ``logs`` at least.

    Raises:
        UsageError: if the folder cannot be made, belongs to somebody else, or is not a folder.
    """

    def __init__(self, root: Path, folders: Sequence[str] = FOLDERS) -> None:
        self.root = root.expanduser().resolve()
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.root.stat().st_uid != os.geteuid():
                message = f"{self.root} belongs to another user; choose another folder with KLIMATPULS_HOME"
                raise UsageError(message)
            self.root.chmod(0o700)
            for name in folders:
                (self.root / name).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            message = (
                f"{self.root} cannot be used as home ({error.strerror}); choose another with KLIMATPULS_HOME"
            )
            raise UsageError(message) from error

    @property
    def run(self) -> Path:
        """Folder of lock, process and address files."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """Folder of the services' logs."""
        return self.root / "logs"

    @property
    def config(self) -> Config:
        """What the home remembers; an empty :class:`Config` for a new home."""
        stored = read_json(self.root / "config.json")
        names = {field.name for field in fields(Config)}
        return Config(**{key: value for key, value in stored.items() if key in names})

    def named_air_pollutants(self, environ: Mapping[str, str]) -> str:
        """What ``KLIMATPULS_AIR_POLLUTANTS`` says: in a command's environment, else what it said last.

        Args:
            environ: The command's environment.
        """
        return environ.get(AIR_POLLUTANTS_VARIABLE, self.config.air_pollutants or "")

    def remember(self, **changes: str | None) -> Config:
        """Store changed settings and return the new whole.

        Args:
            **changes: Fields of :class:`Config` with their new values.

        Returns:
            The settings as stored.
        """
        config = replace(self.config, **changes)
        write_json(self.root / "config.json", asdict(config))
        return config

    def claim(self, origin: str) -> None:
        """Stamp a new home with an origin, or check the stamp of an old one.

        A home in which nothing was ever kept or published is new, whatever it was stamped with.

        Args:
            origin: ``live``, ``archive`` or ``synthetic``.

        Raises:
            WrongHomeError: if the home holds another origin.
            ValueError: if ``origin`` is none of the three.
        """
        if origin not in ORIGINS:
            message = f"origin must be one of {', '.join(ORIGINS)}, not {origin!r}"
            raise ValueError(message)
        found = self.config.origin
        if found is None or (self.config.first_published is None and not any(self._kept_manifests())):
            self.remember(origin=origin)
        elif found != origin:
            message = (
                f"{self.root} holds figures of origin {found}, and {origin} was asked for; "
                f"nothing was fetched. Leave KLIMATPULS_HOME unset or name another folder."
            )
            raise WrongHomeError(message)

    def _kept_manifests(self) -> Iterator[Path]:
        return (self.root / "snapshots").glob("manifests/*")

    @property
    def secrets(self) -> Secrets:
        """The home's secrets, generated on first use (file mode 0600)."""
        path = self.root / "secrets.json"
        stored = read_json(path)
        names = {field.name for field in fields(Secrets)}
        if names <= stored.keys():
            return Secrets(**{name: stored[name] for name in names})
        made = replace(Secrets.generate(), **{key: value for key, value in stored.items() if key in names})
        write_json(path, asdict(made))
        return made

    def lock(self, purpose: str) -> HomeLock:
        """Take the home for this process and the ones it hands the lock to.

        Args:
            purpose: Command that takes it, for the message of a refusal: ``run``, ``up``.

        Returns:
            The lock; also a context manager.

        Raises:
            HomeInUseError: if another process holds it, naming its process id.
        """
        return HomeLock(self, purpose)


class HomeInUseError(UsageError):
    """Another command holds the home."""


class HomeLock:
    """An exclusive lock on a home, held by open file: it ends with the last process that has the file.

    A command that only reads is waited for; any other holder is a refusal at once.

    Raises:
        HomeInUseError: if another process holds the lock.
    """

    def __init__(self, home: Home, purpose: str) -> None:
        self._file = (home.run / "lock").open("a+", encoding="utf-8")
        deadline = time.monotonic() + READING_PATIENCE
        while not self._is_taken():
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            if holder.startswith(READING) and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            self._file.close()
            message = (
                f"{home.root} is in use by `klimatpuls {holder}`. Wait for it to end, "
                "or stop it with `make down` (`klimatpuls down`)."
            )
            raise HomeInUseError(message)
        self.note(purpose, os.getpid())

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def note(self, purpose: str, pid: int) -> None:
        """Write who holds the lock, for the message of a refusal.

        Args:
            purpose: Command, such as ``run``.
            pid: Process id of the holder.
        """
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{purpose}, process {pid}")
        self._file.flush()

    def fileno(self) -> int:
        """Descriptor to hand to a child process that shall hold the lock too."""
        return self._file.fileno()

    def release(self) -> None:
        """Close the file; a child that was handed the lock goes on holding it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def default_root(project: Path, origin: str, archive: Path | None = None) -> Path:
    """Return the home that an origin uses when none is named.

    Args:
        project: Root of the project's work tree.
        origin: ``live``, ``archive`` or ``synthetic``.
        archive: Archive folder, where the figures come from one.

    Returns:
        ``var/live``, ``var/synthetic`` or ``var/archive-<name of the folder>``.
    """
    if archive is not None:
        return project / "var" / f"archive-{archive.resolve().name}"
    return project / "var" / origin


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file readable by its owner only, whole or not at all.

    Args:
        path: File to write; its folder must exist.
        content: What to write.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, empty when the file is missing.

    Args:
        path: File to read.

    Raises:
        UsageError: if the file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        message = f"{path} is not readable as JSON ({error}); restore it or use a new home"
        raise UsageError(message) from error
    if not isinstance(content, dict):
        message = f"{path} holds {type(content).__name__}, expected an object; restore it or use a new home"
        raise UsageError(message)
    return content
