"""Backs up a state directory into one file, and restores it: what cannot be fetched or calculated again.

The file holds the warehouse (``pg_dump``, custom format), the raw bytes with their manifests, the rendered
digests (the outbox names them by hash), the validation pages, and the settings. It does not hold what is
made again: passwords and keys (a new state directory gets its own), Airflow's metadata, logs, caught mail,
the bundled archive. It holds recipients and contacts of persons, so only its owner can read it.

Dump and digest of the warehouse come from one database snapshot. Raw bytes never change and are written
before a row names them, so the files copied after the dump include all that it names. The manifest comes
last, with its hash: a cut or damaged file is refused before anything is restored.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import schema
from klimatpuls.errors import KlimatpulsError, UsageError, WrongHomeError
from klimatpuls.local import ports, runtime
from klimatpuls.local.home import Config, Home, default_root
from klimatpuls.local.postgres import ADMIN
from klimatpuls.local.run_options import BUNDLED
from klimatpuls.local.services import WAREHOUSE_DATABASE
from klimatpuls.local.stack import Stack
from klimatpuls.warehouse.connection import connect, fetch_row, load_sql
from klimatpuls.warehouse.digest import digest_of, warehouse_digest
from klimatpuls.warehouse.migrate import LOGIN_ROLES, known_versions, make_roles, newest_version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.local.postgres import Cluster

    Say = Callable[[str], None]

FORMAT = 1
MANIFEST, SEAL, DUMP = "manifest.json", "manifest.sha256", "warehouse.dump"
KEPT_FOLDERS = ("snapshots", "reports", "data_docs")
"""Folders of a state directory that are backed up; everything else is made again."""
BLOCK = 1 << 20
_NAMED_HOMES = {"live": ("live",), "synthetic": ("synthetic",)}
"""Default state directory → origin of its figures."""


class BackupError(UsageError):
    """A backup cannot be made, or a file cannot be restored; nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The description of a backup inside it.

    Attributes:
        format: Version of the file format.
        project_version: Version of the project that made it.
        contract_version: Version of the marts.
        migration: Newest migration of the warehouse.
        origin: ``live``, ``archive`` or ``synthetic``.
        publication_id: The current publication; 0 if nothing was published.
        as_of_date: The day it was calculated for, ISO; None if nothing was published.
        warehouse_digest: Hash of everything published (:mod:`klimatpuls.warehouse.digest`).
        made_at: When it was made, ISO with time zone.
        config: Settings of the state directory.
        files: Name within the backup → size and hash.
    """

    format: int
    project_version: str
    contract_version: str
    migration: str
    origin: str
    publication_id: int
    as_of_date: str | None
    warehouse_digest: str
    made_at: str
    config: dict[str, str | None]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


def default_file(home: Home, now: datetime) -> Path:
    """Return the default file of a backup: in the working folder, named by origin and time."""
    return Path.cwd() / f"klimatpuls-{home.config.origin or 'new'}-{now:%Y%m%dT%H%M%SZ}.tar"


def make_backup(stack: Stack, file: Path, now: datetime) -> Manifest:
    """Write a backup of a state directory whose database runs.

    Args:
        stack: The stack; runs may go on meanwhile.
        file: File to write; it gets this name once it is complete.
        now: The present moment, UTC.

    Raises:
        BackupError: if the file exists already, cannot be written, or the dump fails.
    """
    file = file.expanduser().resolve()
    if file.exists():
        msg = f"{file} exists already and was not changed; name another file with --to"
        raise BackupError(msg)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".partial", dir=file.parent)
    except OSError as error:
        msg = f"{file} cannot be written ({error.strerror}); name another file with --to"
        raise BackupError(msg) from error
    draft = Path(name)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as output, tempfile.TemporaryDirectory(dir=stack.home.run) as scratch:
            dump = Path(scratch) / DUMP
            dump.touch(mode=0o600)
            manifest = _dump(stack, dump, now)
            with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _add(tar, DUMP, dump, manifest)
                for path in _kept_files(stack.home.root):
                    _add(tar, path.relative_to(stack.home.root).as_posix(), path, manifest)
                _add_manifest(tar, manifest)
            output.flush()
            os.fsync(output.fileno())
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def _dump(stack: Stack, dump: Path, now: datetime) -> Manifest:
    """Dump the warehouse and calculate its digest, in one database snapshot."""
    home, cluster = stack.home, stack.cluster
    with closing(connect(cluster.dsn(WAREHOUSE_DATABASE))) as conn:
        conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = fetch_row(cursor)
            with _started(cluster, "pg_dump", "--format=custom", f"--snapshot={snapshot}", output=dump):
                cursor.execute(load_sql("read/backup_facts.sql"))
                migration, origin, publication_id, as_of_date = fetch_row(cursor)
                digest = digest_of(cursor)
    return Manifest(
        format=FORMAT,
        project_version=version("klimatpuls"),
        contract_version=schema.contract().version,
        migration=migration,
        origin=origin or home.config.origin or "live",
        publication_id=publication_id,
        as_of_date=as_of_date.isoformat() if as_of_date else None,
        warehouse_digest=digest,
        made_at=now.isoformat(),
        config=asdict(home.config),
    )


@contextmanager
def _started(cluster: Cluster, program: str, *words: str, output: Path) -> Iterator[None]:
    """Run one of PostgreSQL's clients beside the block and wait for its end.

    Raises:
        BackupError: if it fails, with its own message.
    """
    # The password is in the environment: every user of the machine can read a command line.
    environment = {**cluster.environment(), "PGPASSWORD": cluster.password}
    with output.open("wb") as file:
        running = subprocess.Popen(
            [
                str(cluster.launcher.bin / program),
                f"--host={ports.LOOPBACK}",
                f"--port={cluster.port}",
                f"--username={ADMIN}",
                f"--dbname={WAREHOUSE_DATABASE}",
                "--no-password",
                *words,
            ],
            stdout=file,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        try:
            yield
        except BaseException:
            running.kill()
            raise
        finally:
            _, errors = running.communicate()
    if running.returncode != 0:
        msg = f"{program} failed: {errors.strip()[-1000:]}"
        raise BackupError(msg)


def _kept_files(root: Path) -> Iterator[Path]:
    for folder in KEPT_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path


def _add(tar: tarfile.TarFile, name: str, path: Path, manifest: Manifest) -> None:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        manifest.files[name] = {"size": status.st_size, "sha256": digest}
        file.seek(0)
        tar.addfile(_entry(name, status.st_size, stat.S_IMODE(status.st_mode)), file)


def _add_manifest(tar: tarfile.TarFile, manifest: Manifest) -> None:
    content = (json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n").encode()
    seal = f"{hashlib.sha256(content).hexdigest()}\n".encode()
    for name, body in ((MANIFEST, content), (SEAL, seal)):
        tar.addfile(_entry(name, len(body), 0o600), io.BytesIO(body))


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


def read_manifest(file: Path) -> Manifest:
    """Return the manifest of a backup, after checking every byte of the backup against it.

    Raises:
        BackupError: if the file is no backup, is damaged, or was made by a newer version.
    """
    try:
        with tarfile.open(file, "r:") as tar:
            manifest = _read_manifest(tar)
            _check_files(tar, manifest)
    except FileNotFoundError:
        msg = f"{file} does not exist"
        raise BackupError(msg) from None
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{file} is no backup, or is damaged ({error}). Nothing was restored; use another copy of it."
        raise BackupError(msg) from error
    if manifest.migration not in known_versions():
        msg = (
            f"{file} was made by version {manifest.project_version} with the migration {manifest.migration}, "
            "which this version lacks. Nothing was restored; use that version or a newer one."
        )
        raise BackupError(msg)
    return manifest


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    content, seal = (_content(tar, tar.getmember(name)) for name in (MANIFEST, SEAL))
    if hashlib.sha256(content).hexdigest() != seal.decode().strip():
        msg = "the hash of its manifest differs"
        raise ValueError(msg)
    manifest = json.loads(content)
    if manifest.get("format") != FORMAT:
        msg = f"its format is {manifest.get('format')!r}, expected {FORMAT}"
        raise ValueError(msg)
    return Manifest(**manifest)


def _check_files(tar: tarfile.TarFile, manifest: Manifest) -> None:
    found = {member.name: member for member in tar.getmembers()}
    if found.keys() - {MANIFEST, SEAL} != manifest.files.keys():
        msg = "it holds other files than its manifest lists"
        raise ValueError(msg)
    for name, stated in manifest.files.items():
        place = PurePosixPath(name)
        if name != DUMP and (place.parts[0] not in KEPT_FOLDERS or ".." in place.parts):
            msg = f"it names a file outside a state directory: {name}"
            raise ValueError(msg)
        member, digest = found[name], hashlib.sha256()
        for block in _blocks(tar, member):
            digest.update(block)
        if not member.isreg() or member.size != stated["size"] or digest.hexdigest() != stated["sha256"]:
            msg = f"{name} differs from the manifest"
            raise ValueError(msg)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    return b"".join(_blocks(tar, member))


def _blocks(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(member)
    if file is None:
        msg = f"{member.name} is no file"
        raise ValueError(msg)
    with file:
        while block := file.read(BLOCK):
            yield block


def restore(file: Path, root: Path | None, say: Say) -> tuple[Home, Manifest]:
    """Restore a backup into a new state directory; on any failure nothing is left of it.

    Args:
        file: The backup.
        root: The new state directory, missing or empty; None for the default one of its origin.
        say: Prints a line.

    Returns:
        The state directory, its database stopped, and the manifest of the backup.

    Raises:
        BackupError: if the file cannot be restored or the folder is not empty.
        WrongHomeError: if the folder has figures of another origin.
        KlimatpulsError: if the restored warehouse differs from the one that was backed up.
    """
    manifest = read_manifest(file)
    root = (root or usual_root(manifest)).expanduser().resolve()
    check_place(root, manifest, file)
    was_there = root.exists()
    home = Home(root)
    stack = Stack(home, sources="live", say=say)
    try:
        with stack:
            stack.start("backup restore", runtime.DATABASE_ONLY)
            with tarfile.open(file, "r:") as tar:
                _extract(tar, manifest, home)
                _fill_warehouse(tar, stack, manifest)
        # Last: a folder without this file is no state directory.
        home.remember(**Config(**manifest.config).__dict__)
    except BaseException:
        _undo(stack, root, was_there=was_there)
        raise
    return home, manifest


def usual_root(manifest: Manifest) -> Path:
    """Return the default state directory for the figures of a backup."""
    archive = manifest.config.get("archive")
    is_own = archive not in {None, BUNDLED}
    return default_root(runtime.PROJECT, manifest.origin, Path(str(archive)) if is_own else None)


def check_place(root: Path, manifest: Manifest, file: Path) -> None:
    """Refuse a folder into which a backup must not be restored; errors name the backup.

    Raises:
        WrongHomeError: if the folder is, or by its name would be, a state directory of another origin.
        BackupError: if it is not empty.
    """
    expected: Collection[str] | None = None
    if root.is_dir() and (root / "config.json").is_file():
        found = Home(root).config.origin
        expected = (found,) if found else None
    elif root.parent == runtime.PROJECT / "var":
        is_of_archive = root.name.startswith("archive-")
        expected = ("archive", "synthetic") if is_of_archive else _NAMED_HOMES.get(root.name)
    if expected and manifest.origin not in expected:
        msg = (
            f"{root} is for figures of origin {' or '.join(expected)}, and {file} holds figures of origin "
            f"{manifest.origin}; nothing was changed. Name a new folder with --home."
        )
        raise WrongHomeError(msg)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        msg = (
            f"{root} is not empty; nothing was changed. Name a new folder with --home, or move it away first."
        )
        raise BackupError(msg)


def _extract(tar: tarfile.TarFile, manifest: Manifest, home: Home) -> None:
    for name in manifest.files:
        if name == DUMP:
            continue
        member, place = tar.getmember(name), home.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as output:
            for block in _blocks(tar, member):
                output.write(block)
        place.chmod(member.mode & 0o777)


def _fill_warehouse(tar: tarfile.TarFile, stack: Stack, manifest: Manifest) -> None:
    cluster, secrets = stack.cluster, stack.home.secrets
    dsn = cluster.dsn(WAREHOUSE_DATABASE)
    make_roles(dsn, {role: getattr(secrets, role) for role in LOGIN_ROLES})
    with tempfile.TemporaryDirectory(dir=stack.home.run) as scratch:
        dump = Path(scratch) / DUMP
        with dump.open("wb") as output:
            for block in _blocks(tar, tar.getmember(DUMP)):
                output.write(block)
        words = ("--exit-on-error", "--jobs=2", str(dump))
        with _started(cluster, "pg_restore", *words, output=Path(os.devnull)):
            pass
    with closing(connect(dsn)) as conn:
        with conn, conn.cursor() as cursor:
            cursor.execute("ANALYZE")
        _check_digest(conn, manifest)
    runtime.migrate_warehouse(stack.home)(cluster)


def _check_digest(conn: PgConnection, manifest: Manifest) -> None:
    """Compare the restored warehouse with the manifest, before this version migrates it.

    Raises:
        KlimatpulsError: if they differ.
    """
    if manifest.migration != newest_version() or manifest.contract_version != schema.contract().version:
        return  # the digests of the two versions cover different columns
    found = warehouse_digest(conn)
    if found != manifest.warehouse_digest:
        msg = (
            f"the restored warehouse has the digest {found}, the backup {manifest.warehouse_digest}; "
            "the new state directory was removed. Keep the file and report this."
        )
        raise KlimatpulsError(msg)


def _undo(stack: Stack, root: Path, *, was_there: bool) -> None:
    """Remove what was restored, so that the same command can run again."""
    stack.stop()
    # If PostgreSQL runs as another user, its data are outside the state directory.
    if stack.has_cluster:
        shutil.rmtree(stack.cluster.data, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    if was_there:
        root.mkdir(mode=0o700, exist_ok=True)
