"""A home in one file, and a new home from it: what cannot be fetched or calculated again.

Inside are the warehouse (``pg_dump``, custom format), the raw bytes with their manifests, the rendered
digests (the outbox names them by hash), the validation pages, and the home's settings. Left out is what is
made anew: passwords and keys (a new home gets its own), Airflow's metadata, logs, caught mail, the bundled
archive. The file holds recipients and contacts of persons, so it is readable by its owner only.

The dump and the digest of the warehouse are taken in one snapshot. Kept bytes are never changed and are
written before a row names them, so those copied afterwards are all that the dump speaks of. The manifest
comes last and is sealed by its hash: a file that was cut or damaged is refused before anything is made.
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
"""Folders of a home that go into a backup; everything else in it is made anew."""
BLOCK = 1 << 20
_NAMED_HOMES = {"live": ("live",), "synthetic": ("synthetic",)}
"""Origin of the homes that have a name of their own."""


class BackupError(UsageError):
    """A backup cannot be made, or a file is none that can be restored; nothing was left behind."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        format: Version of the form of the file.
        project_version: Version of the project that made it.
        contract_version: Version of the marts.
        migration: Newest migration of the warehouse.
        origin: ``live``, ``archive`` or ``synthetic``.
        publication_id: The current publication; 0 where nothing was published.
        as_of_date: The day it was calculated for, ISO; None where nothing was published.
        warehouse_digest: Hash of everything published (:mod:`klimatpuls.warehouse.digest`).
        made_at: When it was made, ISO with time zone.
        config: The home's settings.
        files: Name within the file → its size and hash.
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
    """Where a backup is written when no file is named: in the working folder, by origin and moment."""
    return Path.cwd() / f"klimatpuls-{home.config.origin or 'new'}-{now:%Y%m%dT%H%M%SZ}.tar"


def make_backup(stack: Stack, file: Path, now: datetime) -> Manifest:
    """Write a backup of a home whose database runs.

    Args:
        stack: The stack; it may be at work meanwhile.
        file: File to write; it appears whole or not at all.
        now: The present moment, UTC.

    Returns:
        What the file says of itself.

    Raises:
        BackupError: if the file is there already, cannot be written, or the dump fails.
    """
    file = file.expanduser().resolve()
    if file.exists():
        msg = f"{file} is there already and was not touched; name another file with --to"
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
            manifest = _dump(stack, dump, now)
            with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _add_dump(tar, dump, manifest)
                for path in _kept_files(stack.home.root):
                    _add(tar, path.relative_to(stack.home.root).as_posix(), path, manifest)
                _seal(tar, manifest)
            output.flush()
            os.fsync(output.fileno())
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def _dump(stack: Stack, dump: Path, now: datetime) -> Manifest:
    """Dump the warehouse and calculate its digest, both in one snapshot."""
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
    """Run one of PostgreSQL's clients beside the block; its end is waited for.

    Raises:
        BackupError: if it fails, in its own words.
    """
    # The password goes by the environment: a command line is read by everybody on the machine.
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


def _add_dump(tar: tarfile.TarFile, dump: Path, manifest: Manifest) -> None:
    with dump.open("rb") as file:
        manifest.files[DUMP] = {
            "size": dump.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
        file.seek(0)
        tar.addfile(_entry(DUMP, dump.stat().st_size, 0o600), file)


def _add(tar: tarfile.TarFile, name: str, path: Path, manifest: Manifest) -> None:
    content = path.read_bytes()
    manifest.files[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    tar.addfile(_entry(name, len(content), stat.S_IMODE(path.stat().st_mode)), io.BytesIO(content))


def _seal(tar: tarfile.TarFile, manifest: Manifest) -> None:
    content = (json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n").encode()
    seal = f"{hashlib.sha256(content).hexdigest()}\n".encode()
    for name, body in ((MANIFEST, content), (SEAL, seal)):
        tar.addfile(_entry(name, len(body), 0o600), io.BytesIO(body))


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


def read_manifest(file: Path) -> Manifest:
    """What a backup says of itself, after every byte of it was held against that.

    Args:
        file: The backup.

    Raises:
        BackupError: if it is no backup, is damaged, or was made by a version this one does not know.
    """
    try:
        with tarfile.open(file, "r:") as tar:
            manifest = _sealed_manifest(tar)
            _hold_against(tar, manifest)
    except FileNotFoundError:
        msg = f"{file} is not there"
        raise BackupError(msg) from None
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{file} is no backup, or is damaged ({error}). Nothing was made; take another copy of it."
        raise BackupError(msg) from error
    if manifest.migration not in known_versions():
        msg = (
            f"{file} was made by version {manifest.project_version} with the migration {manifest.migration}, "
            "which this version does not have. Nothing was made; restore it with that version or a newer one."
        )
        raise BackupError(msg)
    return manifest


def _sealed_manifest(tar: tarfile.TarFile) -> Manifest:
    content, seal = (_content(tar, tar.getmember(name)) for name in (MANIFEST, SEAL))
    if hashlib.sha256(content).hexdigest() != seal.decode().strip():
        msg = "its manifest does not fit its seal"
        raise ValueError(msg)
    manifest = json.loads(content)
    if manifest.get("format") != FORMAT:
        msg = f"its format is {manifest.get('format')!r}, expected {FORMAT}"
        raise ValueError(msg)
    return Manifest(**manifest)


def _hold_against(tar: tarfile.TarFile, manifest: Manifest) -> None:
    found = {member.name: member for member in tar.getmembers()}
    if found.keys() - {MANIFEST, SEAL} != manifest.files.keys():
        msg = "it holds other files than its manifest lists"
        raise ValueError(msg)
    for name, stated in manifest.files.items():
        place = PurePosixPath(name)
        if name != DUMP and (place.parts[0] not in KEPT_FOLDERS or ".." in place.parts):
            msg = f"it names a file outside a home: {name}"
            raise ValueError(msg)
        member, digest = found[name], hashlib.sha256()
        for block in _blocks(tar, member):
            digest.update(block)
        if not member.isreg() or member.size != stated["size"] or digest.hexdigest() != stated["sha256"]:
            msg = f"{name} is not what the manifest says"
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
    """Make a new home from a backup; it is there whole, or not at all.

    Args:
        file: The backup.
        root: Folder of the new home, missing or empty; None for the usual one of its origin.
        say: Prints a line.

    Returns:
        The home, its database stopped, and what the backup says of itself.

    Raises:
        BackupError: if the file cannot be restored or the folder is not empty; nothing was changed then.
        WrongHomeError: if the folder is a home of another origin; nothing was changed then.
        KlimatpulsError: if the restored warehouse is not the one that was backed up.
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
        # Last, for a folder without it is no home.
        home.remember(**Config(**manifest.config).__dict__)
    except BaseException:
        _undo(stack, root, was_there=was_there)
        raise
    return home, manifest


def usual_root(manifest: Manifest) -> Path:
    """Return the home that the figures of a backup have where none is named.

    Args:
        manifest: What the backup says of itself.
    """
    archive = manifest.config.get("archive")
    is_own = archive not in {None, BUNDLED}
    return default_root(runtime.PROJECT, manifest.origin, Path(str(archive)) if is_own else None)


def check_place(root: Path, manifest: Manifest, file: Path) -> None:
    """Refuse a place that a backup must not be restored to.

    Args:
        root: The folder.
        manifest: What the backup says of itself.
        file: The backup, to be named.

    Raises:
        WrongHomeError: if the folder is, or by its name would be, a home of another origin.
        BackupError: if there is something in it.
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
            f"{root} is a home of origin {' or '.join(expected)}, and {file} holds figures of origin "
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
        _hold_digest(conn, manifest)
    runtime.migrate_warehouse(stack.home)(cluster)


def _hold_digest(conn: PgConnection, manifest: Manifest) -> None:
    """Hold the warehouse as it was restored, before this version changes anything, against the manifest.

    Raises:
        KlimatpulsError: if it is another one.
    """
    if manifest.migration != newest_version() or manifest.contract_version != schema.contract().version:
        return  # this version's digest is taken over other columns than the backup's was
    found = warehouse_digest(conn)
    if found != manifest.warehouse_digest:
        msg = (
            f"the restored warehouse has the digest {found}, the backup {manifest.warehouse_digest}; "
            "the new home was removed. Keep the file and report this."
        )
        raise KlimatpulsError(msg)


def _undo(stack: Stack, root: Path, *, was_there: bool) -> None:
    """Take away what was made, so that the same command can be given again."""
    stack.stop()
    # Where PostgreSQL runs as another user its data lie outside the home.
    if stack.has_cluster:
        shutil.rmtree(stack.cluster.data, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    if was_there:
        root.mkdir(mode=0o700, exist_ok=True)
