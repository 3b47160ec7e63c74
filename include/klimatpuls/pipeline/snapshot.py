"""Step 1: URL → bytes, kept by their hash with a manifest before anything is parsed.

For known bytes the later steps are skipped. Bytes are known if they were loaded, or if this version of their
parser refused them. The next run reads again what another version refused, whatever the agency answers.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import Fetched
from klimatpuls.errors import FetchError, KlimatpulsError, NotYetPublished, SourceFormatError, UsageError
from klimatpuls.fetch.http import Limits
from klimatpuls.fetch.snapshots import SnapshotStore
from klimatpuls.files import isolation
from klimatpuls.pipeline.parser_version import parser_version
from klimatpuls.pipeline.read_file import notes_of_question
from klimatpuls.sources.protocol import source_module
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Dataset, Source
    from klimatpuls.fetch.http import PoliteSession
    from klimatpuls.fetch.snapshots import Snapshot
    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.pipeline.recognise_file import FileIdentity


logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

GIVEN_UP_AFTER = 2
"""Failures in a row after which an agency counts as down and is not called again."""


@dataclass(frozen=True, kw_only=True)
class SnapshotResult:
    """The result of a fetch.

    Attributes:
        run_id: The source run to continue: the one begun for this fetch, or an earlier one that was
            interrupted after its load.
        state: ``fetched``, ``no_news`` or ``not_yet_published``.
        detail: What happened per dataset and substance, for an operator.
        new_snapshots: Hashes of bytes that are new, or that no run has finished.
        failed: Dataset and substance that could not be fetched → why; the others continue.
    """

    run_id: int
    state: str
    detail: str
    new_snapshots: tuple[str, ...]
    failed: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(kw_only=True)
class PartFailures:
    """The failures of the parts of a source during a poll or fetch.

    Attributes:
        missing: Messages about parts that are not published yet.
        errors: Exceptions of the failed parts.
        failed: Dataset and substance of a failed part → why.
    """

    missing: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)

    def raise_all(self) -> None:
        """Raise the only error, or one with the messages of all parts; nothing if none failed."""
        if not self.errors:
            return
        if len(self.errors) == 1 == len(self.failed) or not isinstance(self.errors[0], KlimatpulsError):
            raise self.errors[0]
        raise FetchError("\n\n".join(self.failed.values())) from self.errors[0]


def ask_parts(
    source: Source,
    context: RunContext,
    ask: Callable[[str, str | None], Answer],
    failures: PartFailures,
    verb: str,
) -> Iterator[tuple[tuple[str, str], Answer]]:
    """Ask an agency for every dataset and substance of a source; a failure of one stops no other.

    After ``GIVEN_UP_AFTER`` failures in a row the rest is skipped.

    Args:
        source: Catalogue entry.
        context: Settings that name the parts.
        ask: Asks for a dataset and substance.
        failures: Collects the failures.
        verb: Verb for messages, such as ``fetched``.

    Yields:
        Dataset and substance with their answer.
    """
    in_a_row = 0
    for dataset, substance in wanted(source, context):
        part = (dataset, substance or runs.NOT_BY_SUBSTANCE)
        if in_a_row >= GIVEN_UP_AFTER:
            failures.failed[part] = f"{label(*part)} was not {verb}, after {in_a_row} failures in a row"
            continue
        try:
            answer = ask(dataset, substance)
        except NotYetPublished as missing:
            failures.missing.append(str(missing))
        except Exception as error:  # noqa: BLE001 - a failure of one part stops no other
            failures.errors.append(error)
            failures.failed[part] = f"{label(*part)} was not {verb}: {explain(error)}"
            in_a_row += 1
        else:
            in_a_row = 0
            yield part, answer


def take_snapshots(
    conn: PgConnection, source: Source, session: PoliteSession, context: RunContext, *, run_id: int
) -> SnapshotResult:
    """Fetch every dataset and substance of a source and keep new bytes; a failure of one stops no other.

    If something is new, the failures are written as another source run, in state ``failed``.

    Returns:
        The new bytes, and the failures.

    Raises:
        FetchError: if something could not be fetched and nothing was new; kept bytes stay kept.
    """
    module, failures, entered = source_module(source), PartFailures(), _Entered()

    def fetch(dataset: str, substance: str | None) -> Fetched:
        return module.fetch(session, session.base_url, dataset, substance, as_of=context.as_of)

    for _, fetched in ask_parts(source, context, fetch, failures, "fetched"):
        snapshot = _put(source, fetched, context)
        if entered.add(conn, source, snapshot, run_id):
            entered.details += runs.notes_in_short(notes_of_question(fetched.http))
    entered.details[:0] = failures.missing
    again, details = _adopt_unread(conn, source, run_id)
    entered.new += again
    if not entered.new:
        failures.raise_all()
    if failures.failed:
        _note_failed(conn, source, context, failures.failed)
    entered.details += details
    return _end(conn, source, entered.result(run_id, failures.failed))


@dataclass(kw_only=True)
class _Entered:
    """Snapshots that were entered under a run.

    Attributes:
        new: Hashes of the new ones.
        details: What happened to each, for an operator.
        is_any: Whether there was any, new or known.
    """

    new: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    is_any: bool = False

    def add(self, conn: PgConnection, source: Source, snapshot: Snapshot, run_id: int) -> bool:
        """Enter a snapshot; returns whether it is new."""
        is_new = _enter(conn, source, snapshot, run_id)
        self.is_any = True
        self.new += [snapshot.sha256] if is_new else []
        name = label(snapshot.dataset, snapshot.substance or runs.NOT_BY_SUBSTANCE)
        news = "new bytes" if is_new else "known bytes, no new release"
        self.details.append(f"{name}: {news} ({snapshot.sha256[:8]})")
        return is_new

    def result(self, run_id: int, failed: Mapping[tuple[str, str], str] | None = None) -> SnapshotResult:
        """Return the result of the run."""
        return SnapshotResult(
            run_id=run_id,
            state="fetched" if self.new else "no_news" if self.is_any else "not_yet_published",
            detail="; ".join(self.details),
            new_snapshots=tuple(self.new),
            failed=failed or {},
        )


def label(dataset: str, substance: str) -> str:
    """Return the name of a dataset in messages, with its substance if it has one."""
    return dataset if substance == runs.NOT_BY_SUBSTANCE else f"{dataset} {substance}"


def explain(error: Exception) -> str:
    """Return the message of an error, with its class if it is not one of the project's."""
    return str(error) if isinstance(error, KlimatpulsError) else f"{type(error).__name__}: {error}"


def _note_failed(
    conn: PgConnection, source: Source, context: RunContext, failed: Mapping[tuple[str, str], str]
) -> None:
    """Write failures as a source run, so that summary, status and exit code show them."""
    with conn:
        run = runs.start_run(
            conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
        )
        runs.set_run_state(conn, run.run_id, "failed", "\n\n".join(failed.values()))


def _end(conn: PgConnection, source: Source, result: SnapshotResult) -> SnapshotResult:
    """Write the result of a fetch; if nothing is new, continue a run that was killed before its verdict."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/unevaluated_run.sql"), {"source": source.id, "run_id": result.run_id})
        (unevaluated,) = fetch_row(cursor)
        if result.state != "fetched" and unevaluated is not None:
            detail = f"{result.detail}; run {unevaluated} was interrupted before its verdict and goes on"
            runs.set_run_state(conn, result.run_id, result.state, detail)
            return SnapshotResult(run_id=unevaluated, state="fetched", detail=detail, new_snapshots=())
        runs.set_run_state(conn, result.run_id, result.state, result.detail)
    logger.info("%s: %s", source.id, result.detail)
    return result


def _put(source: Source, fetched: Fetched, context: RunContext) -> Snapshot:
    """Keep bytes; live ones are known from the day of their first fetch, others from their archive's day."""
    known_from = fetched.known_from or (context.as_of if context.origin == "live" else None)
    return SnapshotStore(context.snapshots).put(
        fetched,
        retrieved_at=context.now,
        licence=source.licence,
        origin=context.origin,
        known_from=known_from,
    )


def _enter(conn: PgConnection, source: Source, snapshot: Snapshot, run_id: int) -> bool:
    """Enter a snapshot under a run; returns False if it was loaded, or refused by this parser, before."""
    key = {
        "snapshot_sha256": snapshot.sha256,
        "dataset": snapshot.dataset,
        "substance": snapshot.substance or runs.NOT_BY_SUBSTANCE,
    }
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/known_snapshot.sql"), key)
        earlier = cursor.fetchone()
        if earlier is not None:
            outcome, *_, version = earlier
            if outcome is not None and not _is_refused_by_another(snapshot.dataset, outcome, version):
                return False
            cursor.execute(load_sql("write/adopt_snapshot.sql"), {**key, "run_id": run_id})
            return True
        cursor.execute(
            load_sql("write/insert_snapshot.sql"),
            {
                **key,
                "source": source.id,
                "url": snapshot.url,
                "size_bytes": snapshot.size,
                "known_from": snapshot.known_from,
                "retrieved_at": snapshot.retrieved_at,
                "manifest_path": snapshot.manifest_path,
                "run_id": run_id,
            },
        )
    return True


def _is_refused_by_another(dataset: str, outcome: str, version: str | None) -> bool:
    """Return whether another version of the parser than this one refused the bytes."""
    return outcome == "quarantined" and version != parser_version(dataset)


def unread(conn: PgConnection, source: Source, *, refused_by_any: bool = False) -> list[dict[str, Any]]:
    """Return a source's kept bytes that this version of its parser has not read, oldest first.

    Args:
        conn: Connection as ``wh_loader``; this function only reads.
        source: Catalogue entry.
        refused_by_any: Whether to include bytes that this version refused.

    Returns:
        ``snapshot_sha256``, ``dataset``, ``substance`` and ``outcome`` of each: bytes that another version
        refused, and bytes that an interrupted run left unread.
    """
    with conn.cursor() as cursor:
        cursor.execute(load_sql("read/unread_snapshots.sql"), {"source": source.id})
        names = ("snapshot_sha256", "dataset", "substance", "outcome", "parser_version")
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [
        row
        for row in rows
        if row["outcome"] is None
        or refused_by_any
        or _is_refused_by_another(row["dataset"], row["outcome"], row["parser_version"])
    ]


def _adopt_unread(
    conn: PgConnection, source: Source, run_id: int, *, refused_by_any: bool = False
) -> tuple[list[str], list[str]]:
    """Let a run read a source's unread bytes; returns their hashes, and what happened to each."""
    with conn, conn.cursor() as cursor:
        found = unread(conn, source, refused_by_any=refused_by_any)
        for row in found:
            cursor.execute(load_sql("write/adopt_snapshot.sql"), {**row, "run_id": run_id})
    return [row["snapshot_sha256"] for row in found], [
        f"{row['dataset']} {row['substance']} (file {row['snapshot_sha256'][:8]}): "
        f"{'left unread by an interrupted run' if row['outcome'] is None else 'refused before'}, read again"
        for row in found
    ]


def adopt_refused(conn: PgConnection, source: Source, *, run_id: int) -> SnapshotResult:
    """Begin a run with the source's kept bytes that any version of the parser refused; calls no agency."""
    again, details = _adopt_unread(conn, source, run_id, refused_by_any=True)
    entered = _Entered(new=again, details=details or ["no kept file of this source is refused"], is_any=True)
    return _end(conn, source, entered.result(run_id))


def read_refusals(conn: PgConnection, source: Source) -> tuple[str, ...]:
    """Return the refused kept files of a source, each with the reason."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/refusals.sql"), {"source": source.id})
        return tuple(
            f"refused: {dataset} {substance} (file {sha256[:8]}), retrieved {retrieved_at:%Y-%m-%d}: {rule}: "
            f"{message}"
            for sha256, dataset, substance, retrieved_at, rule, message in cursor.fetchall()
        )


def wanted(source: Source, context: RunContext) -> Iterator[tuple[str, str | None]]:
    """Yield the datasets of a source with each of their substances (None if it has none) to fetch."""
    for dataset in source.datasets:
        for substance in dataset.substances:
            if is_wanted(dataset, substance, context):
                yield dataset.id, substance


def is_wanted(dataset: Dataset, substance: str | None, context: RunContext) -> bool:
    """Return whether a part is fetched: it is not ingested by hand, and a setting names it if it must."""
    return not dataset.by_hand and (not dataset.by_setting or substance in context.air_pollutants)


@dataclass(frozen=True, kw_only=True)
class RecognisedFile:
    """A local file whose source is known.

    Attributes:
        name: Name of the file.
        body: Its bytes: one file is one part of an answer. An answer of several pages that are only read
            together cannot be ingested.
        known: Source, dataset and substance.
        is_synthetic: Whether it is marked as synthetic.
    """

    name: str
    body: bytes
    known: FileIdentity
    is_synthetic: bool


def recognise_file(file: Path) -> RecognisedFile:
    """Read a local file and recognise its source.

    Args:
        file: A file of any source; a symbolic link is followed.

    Raises:
        UsageError: if it is no file, cannot be opened, or is larger than any answer may be.
        SourceFormatError: if no source recognises it; the message lists what each source expects.
    """
    body = _read_file(file)
    from klimatpuls.pipeline.recognise_file import recognise  # imports table readers

    found = isolation.run_isolated(recognise, body, what=file.name)
    if found is None:
        raise _unknown(file.name, body)
    known, is_synthetic = found
    return RecognisedFile(name=file.name, body=body, known=known, is_synthetic=is_synthetic)


def _read_file(file: Path) -> bytes:
    """Return the bytes of a regular file; anything else is refused before it is read.

    Raises:
        UsageError: as :func:`recognise_file`.
    """
    try:
        # Without O_NONBLOCK, opening a pipe without a writer never returns.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        linked = f", a symbolic link to {file.readlink()}," if file.is_symlink() else ""
        msg = f"{file}{linked} is no file that can be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(msg) from error
    try:
        _check_file(file, os.fstat(handle))
        with os.fdopen(os.dup(handle), "rb") as opened:
            return opened.read()
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror or error}"
        raise UsageError(msg) from error
    finally:
        os.close(handle)


def _check_file(file: Path, about: os.stat_result) -> None:
    """Refuse what is no regular file, and a file larger than any answer may be."""
    largest = Limits().max_bytes
    if not stat.S_ISREG(about.st_mode):
        msg = f"{file} is no file but {_kind(about.st_mode)}: name the file itself"
        raise UsageError(msg)
    if about.st_size > largest:
        msg = (
            f"{file} has {about.st_size:,} bytes, more than the {largest:,} that are read of any answer; is "
            "it a file of a source?"
        )
        raise UsageError(msg)


def _kind(mode: int) -> str:
    kinds = {
        stat.S_ISDIR: "a folder",
        stat.S_ISFIFO: "a named pipe",
        stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
    }
    return next((name for test, name in kinds.items() if test(mode)), "something else")


def _unknown(name: str, body: bytes) -> SourceFormatError:
    from klimatpuls.files.archive_safety import looks_like
    from klimatpuls.pipeline.recognise_file import recognised_files

    expected = isolation.run_isolated(recognised_files, what=name)
    lines = [f"  {source}: {files}" for source, files in expected.items()]
    kind = "a zip (it may be a workbook)" if body.startswith(b"PK") else looks_like(body)
    msg = (
        f"{name}: no source knows this file; it is {kind}. Nothing was kept. What each source looks for:\n"
        + "\n".join(lines)
    )
    return SourceFormatError(msg, rule="unknown_file", findings=[kind])


def keep_recognised(file: RecognisedFile, context: RunContext) -> Snapshot:
    """Keep the bytes of a recognised file.

    Args:
        file: The file.
        context: Day, origin and folders.

    Returns:
        The snapshot. The ingest DAG enters it into the warehouse under its run.
    """
    source = catalog.source(file.known.source)
    fetched = Fetched(
        source=source.id,
        dataset=file.known.dataset,
        substance=file.known.substance,
        url=f"file:{file.name}",
        parts=(file.body,),
    )
    return _put(source, fetched, context)


def keep_file(file: Path, context: RunContext) -> Snapshot:
    """Recognise a local file and keep its bytes."""
    return keep_recognised(recognise_file(file), context)


def adopt_by_hand(
    conn: PgConnection, source: Source, context: RunContext, *, run_id: int, manifest_path: str
) -> SnapshotResult:
    """Begin a run with the bytes of a local file, kept before by :func:`keep_recognised`.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        context: Day, origin and folders.
        run_id: The source run, begun before.
        manifest_path: The snapshot's manifest inside the store.
    """
    entered = _Entered()
    entered.add(conn, source, SnapshotStore(context.snapshots).read(manifest_path), run_id)
    return _end(conn, source, entered.result(run_id))


def adopt_kept(
    conn: PgConnection, source: Source, context: RunContext, *, run_id: int, kept_as_of: date
) -> SnapshotResult:
    """Begin a run with the bytes that were kept by a day: a backfill calls no agency.

    For each dataset and substance it takes the newest snapshot known on or before the day. Snapshots that
    were loaded before are skipped.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        context: Day, origin and folders.
        run_id: The source run, begun before.
        kept_as_of: The day.

    Returns:
        What was new; ``not_yet_published`` if nothing was kept by the day.
    """
    store, entered = SnapshotStore(context.snapshots), _Entered()
    for dataset, substance in wanted(source, context):
        snapshot = store.newest(source.id, dataset, substance, kept_as_of)
        if snapshot is None:
            name = label(dataset, substance or runs.NOT_BY_SUBSTANCE)
            entered.details.append(f"{name}: nothing was kept by {kept_as_of}")
        else:
            entered.add(conn, source, snapshot, run_id)
    return _end(conn, source, entered.result(run_id))
