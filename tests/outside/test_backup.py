"""A home in one file and out of it again: the same figures, no secret, and no half of anything."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import stat
import subprocess
import tarfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support import pipeline_run
from support.commands import Commands

from klimatpuls.domain import regions
from klimatpuls.errors import EXIT_WRONG_HOME, WrongHomeError
from klimatpuls.local import backup, runtime
from klimatpuls.local.backup import BackupError, make_backup, read_manifest, restore
from klimatpuls.local.home import Home
from klimatpuls.local.postgres import binaries
from klimatpuls.local.services import WAREHOUSE_DATABASE
from klimatpuls.local.stack import Stack
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import warehouse_digest
from klimatpuls.warehouse.migrate import LOGIN_ROLES, make_roles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Published

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

NOW = datetime(2026, 5, 8, 9, tzinfo=UTC)


@dataclass(frozen=True)
class BackedUp:
    """A home whose database runs, and a backup of it."""

    home: Home
    stack: Stack
    file: Path
    digest: str


@pytest.fixture(scope="module")
def backed_up(good: Published, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUp]:
    """A home with good figures, brought there by PostgreSQL's own means; they change as it is backed up."""
    home = Home(tmp_path_factory.mktemp("kept") / "home")
    for folder in ("snapshots", "data_docs"):
        shutil.copytree(good.context.home / folder, home.root / folder, dirs_exist_ok=True)
    (home.root / "reports" / "abc.html").write_text("<p>Sänt</p>", encoding="utf-8")
    (home.root / "snapshots" / ".draft-1").write_text("half", encoding="utf-8")
    (home.root / "mail" / "1.eml").write_text("caught", encoding="utf-8")
    home.remember(origin="synthetic", sources="mock", archive="bundled", as_of="2026-05-08")
    with Stack(home, sources="live") as stack:
        stack.start("test", runtime.DATABASE_ONLY)
        dsn = stack.cluster.dsn(WAREHOUSE_DATABASE)
        make_roles(dsn, {role: getattr(home.secrets, role) for role in LOGIN_ROLES})
        dump = subprocess.run(
            [binaries() / "pg_dump", "--format=custom", good.warehouse.admin_dsn],
            capture_output=True,
            check=True,
        )
        subprocess.run([binaries() / "pg_restore", f"--dbname={dsn}"], input=dump.stdout, check=True)
        with closing(connect(dsn)) as conn:
            digest = warehouse_digest(conn)
        file = tmp_path_factory.mktemp("shelf") / "home.tar"
        with _changing(stack):
            make_backup(stack, file, NOW)
        yield BackedUp(home=home, stack=stack, file=file, digest=digest)


@contextmanager
def _changing(stack: Stack) -> Iterator[None]:
    """A warehouse whose figures change before a backup computes its digest, and back after the block."""
    compute, changed = backup.digest_of, []

    def change(years: int) -> None:
        with closing(stack.cluster.connect(WAREHOUSE_DATABASE)) as admin, admin, admin.cursor() as cursor:
            cursor.execute("UPDATE mart_data.region_overview SET last_year = last_year + %s", (years,))
            changed.append(cursor.rowcount)

    def change_first(cursor: Any) -> str:
        change(1)
        return compute(cursor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup, "digest_of", change_first)
        yield
    change(-1)
    assert changed == [len(regions.regions())] * 2


def _say(_: str) -> None:
    """Nobody listens."""


def _files(home: Home) -> dict[str, bytes]:
    return {
        path.relative_to(home.root).as_posix(): path.read_bytes()
        for folder in ("snapshots", "reports", "data_docs")
        for path in (home.root / folder).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def restored(backed_up: BackedUp, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A new home on a new cluster; restoring holds the dump against the digest."""
    home, _ = restore(backed_up.file, tmp_path_factory.mktemp("new") / "home", _say)
    return home


def test_a_new_home_says_the_same_as_the_old_one_did_whatever_happened_meanwhile(
    backed_up: BackedUp, restored: Home
) -> None:
    manifest = read_manifest(backed_up.file)
    assert manifest.warehouse_digest == backed_up.digest
    assert (manifest.origin, manifest.publication_id, manifest.as_of_date) == ("synthetic", 1, "2026-05-08")
    assert restored.config == backed_up.home.config
    kept = _files(backed_up.home)
    kept.pop("snapshots/.draft-1")
    assert len(kept) > 10
    assert _files(restored) == kept
    with Stack(restored, sources="live") as stack:
        stack.start("test", runtime.DATABASE_ONLY)
        with closing(connect(runtime.warehouse_dsn(stack, "wh_loader"))) as conn:
            assert warehouse_digest(conn) == backed_up.digest
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                conn.cursor().execute("DELETE FROM core.dim_release")
        with closing(connect(runtime.warehouse_dsn(stack, "bi_read"))) as conn, conn.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM mart.emission")
            assert cursor.fetchone() == (pipeline_run.SMALL_CELLS,)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("SELECT 1 FROM core.dim_release")


def test_its_passwords_are_its_own_and_none_is_in_the_file(backed_up: BackedUp, restored: Home) -> None:
    old, new = (dataclasses.asdict(home.secrets) for home in (backed_up.home, restored))
    assert not set(old.values()) & set(new.values())
    whole = backed_up.file.read_bytes()
    with tarfile.open(backed_up.file) as tar:
        dump = tar.extractfile("warehouse.dump").read()  # type: ignore[union-attr]
        assert not {name for name in tar.getnames() if "secret" in name or "mail" in name or ".draft" in name}
    script = subprocess.run(
        [binaries() / "pg_restore", "--file=-"], input=dump, capture_output=True, check=True
    ).stdout
    assert b"CREATE TABLE" in script
    for name, secret in old.items():
        assert secret.encode() not in whole, name
        assert secret.encode() not in script, name
    assert b"SCRAM-SHA-256" not in script
    assert stat.S_IMODE(backed_up.file.stat().st_mode) == 0o600


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "corrupt",
    [
        pytest.param(lambda content: _flip(content, 5_000), id="a bit of the dump"),
        pytest.param(lambda content: _flip(content, content.rindex(b'"origin"') + 1), id="of the manifest"),
        pytest.param(lambda content: content[: len(content) // 2], id="cut in the middle"),
        pytest.param(lambda content: content[: content.rindex(b"manifest.sha256")], id="cut at the end"),
        pytest.param(lambda _: b"PGDMP of something else", id="another file"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
def test_a_damaged_file_is_refused_before_anything_is_made(
    backed_up: BackedUp, tmp_path: Path, corrupt: Any
) -> None:
    corrupted = tmp_path / "corrupted.tar"
    corrupted.write_bytes(corrupt(backed_up.file.read_bytes()))
    with pytest.raises(BackupError, match=r"is no backup, or is damaged .*Nothing was restored"):
        restore(corrupted, tmp_path / "home", _say)
    assert [path.name for path in tmp_path.iterdir()] == ["corrupted.tar"]


def _resealed(source: Path, target: Path, *, extra: str | None = None, **changes: Any) -> Path:
    """The same backup with another manifest, sealed as if it had been made so."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old.getmembers():
            if member.name not in (backup.MANIFEST, backup.SEAL):
                new.addfile(member, old.extractfile(member))
        manifest_json = json.loads(old.extractfile(backup.MANIFEST).read())  # type: ignore[union-attr]
        manifest = backup.Manifest(**{**manifest_json, **changes})
        if extra:
            manifest.files[extra] = {"size": 1, "sha256": backup.hashlib.sha256(b"x").hexdigest()}
            new.addfile(backup._entry(extra, 1, 0o644), io.BytesIO(b"x"))
        backup._add_manifest(new, manifest)
    return target


def test_one_from_a_newer_version_is_refused_by_name(backed_up: BackedUp, tmp_path: Path) -> None:
    file = _resealed(backed_up.file, tmp_path / "newer.tar", migration="0999_later", project_version="9.9")
    with pytest.raises(BackupError, match=r"version 9\.9 with the migration 0999_later"):
        restore(file, tmp_path / "home", _say)


@pytest.mark.parametrize("name", ["../outside", "snapshots/../../outside", "secrets.json", "/etc/passwd"])
def test_one_that_names_a_file_outside_is_refused(backed_up: BackedUp, tmp_path: Path, name: str) -> None:
    file = _resealed(backed_up.file, tmp_path / "wicked.tar", extra=name)
    with pytest.raises(BackupError, match="outside a state directory"):
        restore(file, tmp_path / "home", _say)


def test_a_folder_that_holds_anything_is_refused(backed_up: BackedUp, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "letter.txt").write_text("Hej", encoding="utf-8")
    with pytest.raises(BackupError, match="is not empty; nothing was changed"):
        restore(backed_up.file, theirs, _say)
    with pytest.raises(BackupError, match="is not empty; nothing was changed"):
        restore(backed_up.file, backed_up.home.root, _say)
    assert [path.name for path in theirs.iterdir()] == ["letter.txt"]


def test_a_home_of_another_origin_is_refused_with_its_own_exit_code(
    backed_up: BackedUp, tmp_path: Path
) -> None:
    live = Home(tmp_path / "live")
    live.remember(origin="live")
    done = Commands(live.root)("backup", "restore", str(backed_up.file), "--home", str(live.root))
    assert done.code == EXIT_WRONG_HOME
    assert "is for figures of origin live" in done.err
    assert "figures of origin synthetic" in done.err
    with pytest.raises(WrongHomeError, match="of origin live"):
        restore(backed_up.file, runtime.PROJECT / "var" / "live", _say)


@pytest.mark.parametrize(
    ("archive", "origin", "name"),
    [
        ("bundled", "synthetic", "synthetic"),
        (None, "live", "live"),
        ("/figures/trial", "synthetic", "archive-trial"),
        ("/figures/real", "archive", "archive-real"),
    ],
)
def test_where_none_is_named_it_comes_to_the_home_of_its_figures(
    backed_up: BackedUp,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    archive: str | None,
    origin: str,
    name: str,
) -> None:
    monkeypatch.setattr(runtime, "PROJECT", tmp_path)
    found = read_manifest(backed_up.file)
    manifest = dataclasses.replace(found, origin=origin, config={**found.config, "archive": archive})
    root = backup.usual_root(manifest)
    assert root == tmp_path / "var" / name
    backup.check_place(root, manifest, backed_up.file)
    other = dataclasses.replace(manifest, origin="synthetic" if origin == "live" else "live")
    with pytest.raises(WrongHomeError, match=f"holds figures of origin {other.origin}"):
        backup.check_place(root, other, backed_up.file)


def test_a_restore_that_fails_leaves_nothing_and_can_be_done_again(
    backed_up: BackedUp, tmp_path: Path
) -> None:
    file = _resealed(backed_up.file, tmp_path / "other.tar", warehouse_digest="0" * 64)
    with pytest.raises(Exception, match=r"has the digest .*new state directory was removed"):
        restore(file, tmp_path / "home", _say)
    assert [path.name for path in tmp_path.iterdir()] == ["other.tar"]


def test_a_file_that_is_there_is_not_overwritten(backed_up: BackedUp, tmp_path: Path) -> None:
    before = backed_up.file.read_bytes()
    with pytest.raises(BackupError, match="exists already"):
        make_backup(backed_up.stack, backed_up.file, NOW)
    assert backed_up.file.read_bytes() == before
    with pytest.raises(BackupError, match="cannot be written"):
        make_backup(backed_up.stack, tmp_path / "none" / "home.tar", NOW)
    assert [path.name for path in backed_up.file.parent.iterdir()] == [backed_up.file.name]


def test_a_backup_that_fails_leaves_no_file(
    backed_up: BackedUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_add", full)
    with pytest.raises(OSError, match="No space left"):
        make_backup(backed_up.stack, tmp_path / "home.tar", NOW)
    assert list(tmp_path.iterdir()) == []
    assert not list(backed_up.home.run.glob("tmp*"))
