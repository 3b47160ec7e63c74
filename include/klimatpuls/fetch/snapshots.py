"""Keeps the bytes a source sent, by their hash, with a manifest of where they came from; never deletes.

In the store lie ``objects/<first two>/<sha256>`` (one file per body) and
``manifests/<source>/<dataset>/<substance or "all">/<sha256>.json`` (one per snapshot). A snapshot is one
answer of a source, of one or more bodies. Bodies are written before the manifest, each beside its place and
then renamed, so a crash leaves at most bodies without a manifest: nothing a reader sees. What is there is
never written again; what is read is checked against its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from klimatpuls.clock import stockholm_date
from klimatpuls.errors import EXIT_QUARANTINE, KlimatpulsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from klimatpuls.contract.releases import Fetched

MANIFEST_FORMAT = 1
NO_SUBSTANCE = "all"


class SnapshotError(KlimatpulsError):
    """The store does not hold what it should: a body or manifest is missing or damaged."""

    exit_code = EXIT_QUARANTINE


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One answer of a source as it is kept.

    Attributes:
        sha256: Name of the snapshot: the hash of its body, or of the list of hashes where it has several.
        parts: Hash of each body, in the order requested.
        size: Bytes of all bodies together.
        source: Catalogue id of the source.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None.
        url: Address the bytes came from.
        licence: Terms as the catalogue knew them.
        origin: ``live``, ``archive`` or ``synthetic``.
        retrieved_at: When these bytes were first retrieved, UTC.
        known_from: Day from which they are known to have been public; None: the publisher's date counts.
        http: Facts of the answer.
        manifest_path: Path of the manifest inside the store.
        is_new: False if the very same bytes had been kept before; the first manifest stands then.
    """

    sha256: str
    parts: tuple[str, ...]
    size: int
    source: str
    dataset: str
    substance: str | None
    url: str
    licence: str
    origin: str
    retrieved_at: datetime
    known_from: date | None
    http: dict[str, Any]
    manifest_path: str
    is_new: bool

    @property
    def known_by(self) -> date:
        """The day from which we could know these bytes."""
        return self.known_from or stockholm_date(self.retrieved_at)


class ByteStore:
    """Files under one folder, written once and whole; the only place that knows where the store lies.

    Names are relative and use ``/``. Another kind of storage replaces this class and nothing else.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def exists(self, name: str) -> bool:
        """Whether a file of this name is there."""
        return self._place(name).is_file()

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            SnapshotError: if it is not there.
        """
        try:
            return self._place(name).read_bytes()
        except FileNotFoundError:
            msg = (
                f"the store at {self._root} has no file {name}. Kept bytes are never deleted by the project: "
                "restore the folder from a backup, or fetch the source again."
            )
            raise SnapshotError(msg) from None

    def write_once(self, name: str, content: bytes) -> bool:
        """Write a file unless one of this name is there; it appears whole or not at all.

        Returns:
            Whether it was written.
        """
        place = self._place(name)
        if place.exists():
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".draft-", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).chmod(0o444)
            Path(draft).replace(place)
        finally:
            Path(draft).unlink(missing_ok=True)
        _sync_folder(place.parent)
        return True

    def names(self, folder: str, suffix: str) -> Iterator[str]:
        """Names of all files below a folder that end so, in order."""
        for path in sorted(self._place(folder).rglob(f"*{suffix}")):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self._root).as_posix()

    def _place(self, name: str) -> Path:
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            msg = f"{name!r} lies outside the store"
            raise UsageError(msg)
        return self._root / relative


class SnapshotStore:
    """Puts and reads snapshots."""

    def __init__(self, root: Path) -> None:
        self._bytes = ByteStore(root)

    def put(
        self,
        fetched: Fetched,
        *,
        retrieved_at: datetime,
        licence: str,
        origin: str,
        known_from: date | None = None,
    ) -> Snapshot:
        """Keep the bytes of an answer.

        Args:
            fetched: The answer.
            retrieved_at: When it came, with time zone.
            licence: Terms as the catalogue knows them.
            origin: ``live``, ``archive`` or ``synthetic``.
            known_from: Day from which the bytes are known to have been public; None leaves it to the
                publisher's date.

        Returns:
            The snapshot. If the same bytes of the same dataset had been kept before, the earlier one with
            ``is_new`` false.

        Raises:
            SnapshotError: if the earlier one is damaged.
            ValueError: if the answer has no body, or the moment no time zone.
        """
        if not fetched.parts or retrieved_at.tzinfo is None:
            msg = "a snapshot needs at least one body and a moment with time zone"
            raise ValueError(msg)
        parts = tuple(hashlib.sha256(part).hexdigest() for part in fetched.parts)
        sha256 = snapshot_sha256(parts)
        manifest_path = _manifest_path(fetched.source, fetched.dataset, fetched.substance, sha256)
        if self._bytes.exists(manifest_path):
            earlier = self.read(manifest_path)
            self.read_parts(earlier)
            return earlier
        for part, digest in zip(fetched.parts, parts, strict=True):
            if not self._bytes.write_once(_object_path(digest), part):
                self._read_object(digest)
        manifest = {
            "format": MANIFEST_FORMAT,
            "source": fetched.source,
            "dataset": fetched.dataset,
            "substance": fetched.substance,
            "url": fetched.url,
            "licence": licence,
            "origin": origin,
            "retrieved_at": retrieved_at.astimezone(UTC).isoformat(),
            "known_from": known_from.isoformat() if known_from is not None else None,
            "sha256": sha256,
            "size": sum(len(part) for part in fetched.parts),
            "parts": [
                {"sha256": digest, "size": len(part)}
                for digest, part in zip(parts, fetched.parts, strict=True)
            ],
            "http": dict(fetched.http),
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=2, default=str) + "\n"
        is_new = self._bytes.write_once(manifest_path, text.encode())
        return _snapshot(manifest_path, json.loads(text), is_new=is_new)

    def read(self, manifest_path: str) -> Snapshot:
        """The snapshot of a manifest.

        Args:
            manifest_path: Path inside the store, as ``Snapshot.manifest_path`` gives it.

        Raises:
            SnapshotError: if there is no such manifest, or it cannot be read.
        """
        content = self._bytes.read(manifest_path)
        try:
            return _snapshot(manifest_path, json.loads(content), is_new=False)
        except (ValueError, KeyError, TypeError) as error:
            msg = f"manifest {manifest_path} cannot be read ({error!r}); restore it from a backup"
            raise SnapshotError(msg) from error

    def read_parts(self, snapshot: Snapshot) -> tuple[bytes, ...]:
        """The bodies of a snapshot, each checked against its hash.

        Raises:
            SnapshotError: if one is missing or damaged, or the manifest's hashes do not belong together.
        """
        if snapshot_sha256(snapshot.parts) != snapshot.sha256:
            msg = f"manifest {snapshot.manifest_path}: its parts do not make {snapshot.sha256}"
            raise SnapshotError(msg)
        return tuple(self._read_object(digest) for digest in snapshot.parts)

    @staticmethod
    def places(snapshot: Snapshot) -> tuple[str, ...]:
        """Where the bodies of a snapshot lie, below the store's folder, in their order."""
        return tuple(_object_path(digest) for digest in snapshot.parts)

    def snapshots(self) -> Iterator[Snapshot]:
        """All snapshots of the store, in the order of their manifests' paths."""
        for name in self._bytes.names("manifests", ".json"):
            yield self.read(name)

    def newest(self, source: str, dataset: str, substance: str | None, day: date) -> Snapshot | None:
        """The newest kept answer of a dataset that was known by a day; None where there was none yet.

        Args:
            source: Catalogue id of the source.
            dataset: Catalogue id of the dataset.
            substance: Our substance code, or None.
            day: The day; an answer counts from its ``known_from``, else from the day it was retrieved.
        """
        folder = _manifest_path(source, dataset, substance, "").rpartition("/")[0]
        there = [self.read(name) for name in self._bytes.names(folder, ".json")]
        known = [snapshot for snapshot in there if snapshot.known_by <= day]
        return max(known, key=lambda snapshot: (snapshot.known_by, snapshot.retrieved_at), default=None)

    def _read_object(self, digest: str) -> bytes:
        content = self._bytes.read(_object_path(digest))
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            msg = (
                f"kept bytes are damaged: {_object_path(digest)} now has the hash {found}. "
                "Nothing was loaded; restore the file from a backup."
            )
            raise SnapshotError(msg)
        return content


def snapshot_sha256(parts: Sequence[str]) -> str:
    """The hash that names a snapshot.

    Args:
        parts: Hash of each body, hexadecimal.

    Returns:
        The hash of the only body, or the hash over the list of hashes, one per line.
    """
    if len(parts) == 1:
        return parts[0]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _object_path(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _manifest_path(source: str, dataset: str, substance: str | None, sha256: str) -> str:
    return f"manifests/{source}/{dataset}/{substance or NO_SUBSTANCE}/{sha256}.json"


def _snapshot(manifest_path: str, manifest: dict[str, Any], *, is_new: bool) -> Snapshot:
    if manifest["format"] != MANIFEST_FORMAT:
        msg = f"format {manifest['format']!r}, expected {MANIFEST_FORMAT}"
        raise ValueError(msg)
    known_from = manifest["known_from"]
    return Snapshot(
        sha256=manifest["sha256"],
        parts=tuple(part["sha256"] for part in manifest["parts"]),
        size=manifest["size"],
        source=manifest["source"],
        dataset=manifest["dataset"],
        substance=manifest["substance"],
        url=manifest["url"],
        licence=manifest["licence"],
        origin=manifest["origin"],
        retrieved_at=datetime.fromisoformat(manifest["retrieved_at"]),
        known_from=date.fromisoformat(known_from) if known_from is not None else None,
        http=manifest["http"],
        manifest_path=manifest_path,
        is_new=is_new,
    )


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
