"""The state directory (setting ``KLIMATPULS_HOME``): everything a local stack keeps, and its lock.

Layout (folder mode 0700, secrets 0600)::

    config.json   origin, sources, archive and as-of date
    secrets.json  generated passwords and keys
    postgres/     the cluster              airflow/    Airflow's own state
    snapshots/    raw bytes by hash        reports/    rendered digests
    data_docs/    validation pages         mail/       caught messages (.eml)
    site/         the static site
    superset/     Superset's metadata, logs and process files (``klimatpuls bi``)
    logs/         one file per service     run/        lock, process and address files of a running stack
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
    from collections.abc import Mapping, Sequence

ORIGINS = ("live", "archive", "synthetic")
READING = "sql, status or the like"
"""Purpose of a command that starts only the database, reads, and ends soon."""
READING_PATIENCE = 30.0
"""Seconds a command waits for a reading one to release the state directory."""
FOLDERS = ("airflow", "snapshots", "reports", "data_docs", "mail", "logs", "run")


@dataclass(frozen=True)
class Config:
    """What a state directory remembers between commands; ``None`` means not decided yet.

    Attributes:
        origin: ``live``, ``archive`` or ``synthetic``: where its figures come from.
        sources: ``live`` or ``mock``: whom its commands call.
        archive: Absolute path of the archive folder that the mock agencies serve.
        as_of: ISO date that the mock agencies answer as of, and the "now" of the runs.
        first_published: ISO date of the first publication; until then the origin may change.
        air_pollutants: The last value of ``KLIMATPULS_AIR_POLLUTANTS``, for commands without one.
        mock: ``as-recorded`` if the mock agencies answer as the real servers were recorded.
    """

    origin: str | None = None
    sources: str | None = None
    archive: str | None = None
    as_of: str | None = None
    first_published: str | None = None
    air_pollutants: str | None = None
    mock: str | None = None


@dataclass(frozen=True, repr=False)
class Secrets:
    """Generated passwords and keys; none of them is ever logged or shown.

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

    @classmethod
    def generate(cls) -> Self:
        """Return fresh random secrets (24 bytes each, urlsafe; the Fernet key 32)."""
        values = {field.name: secrets.token_urlsafe(24) for field in fields(cls)}
        values["fernet_key"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        return cls(**values)


class Home:
    """A state directory, made on first use.

    Args:
        root: The folder; made with mode 0700 if it is missing.
        folders: Folders to make in it, ``run`` and ``logs`` at least.

    Raises:
        UsageError: if the folder cannot be made, belongs to another user, or is not a folder.
    """

    def __init__(self, root: Path, folders: Sequence[str] = FOLDERS) -> None:
        self.root = root.expanduser().resolve()
        self.run = self.root / "run"
        self.logs = self.root / "logs"
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.root.stat().st_uid != os.geteuid():
                raise UsageError(
                    f"{self.root} belongs to another user; choose another folder with KLIMATPULS_HOME"
                )
            self.root.chmod(0o700)
            for name in folders:
                (self.root / name).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(
                f"{self.root} cannot be used as state directory ({error.strerror}); choose another one with "
                "KLIMATPULS_HOME"
            ) from error

    @property
    def config(self) -> Config:
        """What the state directory remembers; an empty :class:`Config` for a new one."""
        stored = read_json(self.root / "config.json")
        # Until 0.1.0 the mock agencies were called replica.
        stored.setdefault("mock", stored.get("replica"))
        if stored.get("sources") == "replica":
            stored["sources"] = "mock"
        return Config(**{field.name: stored.get(field.name) for field in fields(Config)})

    def named_air_pollutants(self, environ: Mapping[str, str]) -> str:
        """Return ``KLIMATPULS_AIR_POLLUTANTS`` of a command's environment, else its last value."""
        return environ.get(AIR_POLLUTANTS_VARIABLE, self.config.air_pollutants or "")

    def remember(self, **changes: str | None) -> Config:
        """Store changed fields of :class:`Config` and return the new whole."""
        config = replace(self.config, **changes)
        write_json(self.root / "config.json", asdict(config))
        return config

    def claim(self, origin: str) -> None:
        """Set the origin of a new state directory, or check the one of a used one.

        It is new as long as no file was kept in it and nothing was published.

        Raises:
            WrongHomeError: if it holds figures of another origin.
            ValueError: if the origin is unknown.
        """
        if origin not in ORIGINS:
            raise ValueError(f"origin must be one of {', '.join(ORIGINS)}, not {origin!r}")
        config = self.config
        is_new = config.first_published is None and not any((self.root / "snapshots").glob("manifests/*"))
        if config.origin is None or is_new:
            self.remember(origin=origin)
        elif config.origin != origin:
            raise WrongHomeError(
                f"{self.root} holds figures of origin {config.origin}, and {origin} was asked for; "
                "nothing was fetched. Leave KLIMATPULS_HOME unset or name another folder."
            )

    @property
    def secrets(self) -> Secrets:
        """The secrets, generated on first use (file mode 0600); missing ones are added."""
        path = self.root / "secrets.json"
        stored = read_json(path)
        known = {field.name: stored[field.name] for field in fields(Secrets) if field.name in stored}
        if len(known) == len(fields(Secrets)):
            return Secrets(**known)
        made = replace(Secrets.generate(), **known)
        write_json(path, asdict(made))
        return made

    def lock(self, purpose: str) -> HomeLock:
        """Take the state directory for this process and those it hands the lock to.

        Args:
            purpose: Command that takes it, such as ``run``; named in the error of a second command.

        Raises:
            HomeInUseError: if another process holds it, naming its process id.
        """
        return HomeLock(self, purpose)


class HomeInUseError(UsageError):
    """Another command holds the state directory."""


class HomeLock:
    """An exclusive lock on an open file: it ends with the last process that has the file open.

    A second command waits for one that only reads, and is refused at once by any other.

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
            raise HomeInUseError(
                f"{home.root} is in use by `klimatpuls {holder}`. Wait for it to end, "
                "or stop it with `make down` (`klimatpuls down`)."
            )
        self.note(purpose, os.getpid())

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def note(self, purpose: str, pid: int) -> None:
        """Write down which command and process hold the lock."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{purpose}, process {pid}")
        self._file.flush()

    def fileno(self) -> int:
        """Return the descriptor to hand to a child process that shall hold the lock too."""
        return self._file.fileno()

    def release(self) -> None:
        """Close the file; a child that was handed the lock still holds it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def default_root(project: Path, origin: str, archive: Path | None = None) -> Path:
    """Return the state directory of an origin if none is named.

    Returns:
        ``var/live``, ``var/synthetic`` or ``var/archive-<name of the archive folder>``.
    """
    return project / "var" / (origin if archive is None else f"archive-{archive.resolve().name}")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file in one step, readable by its owner only; its folder must exist."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, empty if the file is missing.

    Raises:
        UsageError: if the file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UsageError(
            f"{path} is not readable as JSON ({error}); restore it or use a new state directory"
        ) from error
    if not isinstance(content, dict):
        raise UsageError(
            f"{path} holds {type(content).__name__}, expected an object; restore it or use a new one"
        )
    return content
