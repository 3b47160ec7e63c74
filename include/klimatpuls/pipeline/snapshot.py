"""Hop 1: URL → bytes, kept by their hash with a manifest before anything is parsed.

Bytes that are known end here: there is no new release, and what follows is skipped and says so. Bytes are
known when something came of them, or when this version of their parser refused them. What another version
refused is read again by the next run, whatever the agency says.
"""

from __future__ import annotations

import importlib
import logging
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import Fetched
from klimatpuls.errors import FetchError, KlimatpulsError, NotYetPublished, SourceFormatError, UsageError
from klimatpuls.fetch.http import Limits
from klimatpuls.fetch.snapshots import SnapshotStore
from klimatpuls.files import isolation
from klimatpuls.pipeline.parser_version import parser_version
from klimatpuls.pipeline.read_file import notes_of_question
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Dataset, Source
    from klimatpuls.contract.releases import Parsed, Poll
    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession
    from klimatpuls.fetch.snapshots import Snapshot
    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.pipeline.recognise_file import Known


logger = logging.getLogger(__name__)

GIVEN_UP_AFTER = 2
"""Failures in a row after which an agency is asked for nothing more: it has trouble of its own."""


class SourceModule(Protocol):
    """What a module of ``klimatpuls.sources`` offers."""

    RECOGNISES: str
    """What files of it look like that a person may give by hand, one line for an operator."""

    def fetch(
        self, session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
    ) -> Fetched:
        """Get the newest bytes of a dataset."""

    def parse(self, parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
        """Turn bytes into tidy rows."""

    def poll(
        self,
        session: PoliteSession,
        base_url: str,
        dataset: str,
        substance: str | None,
        *,
        as_of: date,
        validators: Mapping[str, str],
    ) -> Poll:
        """See, as lightly as the service allows, whether the publisher changed anything."""

    def recognise(self, body: bytes) -> tuple[str, str | None] | None:
        """The dataset and substance of a file given by hand; None where it is no file of this source.

        Called in a process of its own, on bytes from outside. What :func:`parse` accepts as its only part,
        this knows; it may know more.

        Raises:
            SourceFormatError: if the file is of this source and it is plain why it cannot be read.
        """

    def check(self, session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
        """Ask the agency the smallest questions that prove what the module assumes about its answers."""


@dataclass(frozen=True, kw_only=True)
class SnapshotResult:
    """What a fetch brought.

    Attributes:
        run_id: The source run to go on with: the one begun for this fetch, or an earlier one that was
            interrupted after its load.
        state: ``fetched``, ``no_news`` or ``not_yet_published``.
        detail: What happened per dataset and substance, for the person who watches.
        new_snapshots: Hashes of bytes not seen before (or seen, but never brought to an end).
        failed: Dataset and substance of what could not be fetched → why; all else goes on.
    """

    run_id: int
    state: str
    detail: str
    new_snapshots: tuple[str, ...]
    failed: Mapping[tuple[str, str], str] = field(default_factory=dict)


def source_module(source: Source) -> SourceModule:
    """The module of a catalogue entry; found by its id."""
    module: Any = importlib.import_module(f"klimatpuls.sources.{source.id}")
    return module  # type: ignore[no-any-return]


def take_snapshots(
    conn: PgConnection,
    source: Source,
    session: PoliteSession,
    context: RunContext,
    *,
    run_id: int,
) -> SnapshotResult:
    """Fetch every dataset and substance of a source and keep what is new; one that fails stops no other.

    After ``GIVEN_UP_AFTER`` failures in a row the agency is not asked for the rest. What failed beside
    something new stands in a source run of its own, in state ``failed``.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        session: Polite session at the agency or a replica.
        context: Day, origin and folders.
        run_id: The source run, begun before; a retry goes on with the same one.

    Returns:
        What was new, and what failed beside it.

    Raises:
        FetchError: if something could not be fetched and nothing was new; what was kept stays kept.
    """
    kept: list[tuple[str, bool]] = []
    said: list[str] = []
    errors: list[Exception] = []
    failed: dict[tuple[str, str], str] = {}
    in_a_row = 0
    module = source_module(source)
    for dataset, substance in wanted(source, context):
        part = (dataset, substance or runs.NOT_BY_SUBSTANCE)
        if in_a_row >= GIVEN_UP_AFTER:
            failed[part] = f"{label(*part)} was not asked for, after {in_a_row} failures in a row"
            continue
        try:
            fetched = module.fetch(session, session.base_url, dataset, substance, as_of=context.as_of)
        except NotYetPublished as missing:
            said.append(str(missing))
            continue
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this part's alone
            errors.append(error)
            failed[part] = f"{label(*part)} was not fetched: {explain(error)}"
            in_a_row += 1
            continue
        in_a_row = 0
        snapshot = _put(source, fetched, context)
        is_new = _enter(conn, source, snapshot, run_id)
        kept.append((snapshot.sha256, is_new))
        asked = runs.notes_in_short(notes_of_question(fetched.http)) if is_new else []
        said += [_say(dataset, substance, snapshot, is_new=is_new), *asked]
    again, told = _adopt_unread(conn, source, run_id)
    new = (*(sha256 for sha256, is_new in kept if is_new), *again)
    if errors and not new:
        raise_all(errors, list(failed.values()))
    if failed:
        _note_failed(conn, source, context, failed)
    state = "fetched" if new else "no_news" if kept else "not_yet_published"
    result = SnapshotResult(
        run_id=run_id, state=state, detail="; ".join((*said, *told)), new_snapshots=new, failed=failed
    )
    return _end(conn, source, result)


def label(dataset: str, substance: str) -> str:
    """How messages name a dataset, with its substance where it has some."""
    return dataset if substance == runs.NOT_BY_SUBSTANCE else f"{dataset} {substance}"


def explain(error: Exception) -> str:
    """What an error says; with its kind, where it is none of ours."""
    return str(error) if isinstance(error, KlimatpulsError) else f"{type(error).__name__}: {error}"


def raise_all(errors: Sequence[Exception], messages: Sequence[str]) -> NoReturn:
    """Fail with the one error there is, or with the messages of all parts in one."""
    if len(errors) == 1 == len(messages) or not isinstance(errors[0], KlimatpulsError):
        raise errors[0]
    raise FetchError("\n\n".join(messages)) from errors[0]


def _note_failed(
    conn: PgConnection, source: Source, context: RunContext, failed: Mapping[tuple[str, str], str]
) -> None:
    """Enter what failed as a source run, so that the summary, the state and the exit code tell of it."""
    with conn:
        run = runs.start_run(
            conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
        )
        runs.set_run_state(conn, run.run_id, "failed", "\n\n".join(failed.values()))


def _end(conn: PgConnection, source: Source, result: SnapshotResult) -> SnapshotResult:
    """Write how a fetch ended; without news, hand on an earlier run that was killed before its verdict."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/unevaluated_run.sql"), {"source": source.id, "run_id": result.run_id})
        (unjudged,) = fetch_row(cursor)
        if result.state != "fetched" and unjudged is not None:
            detail = f"{result.detail}; run {unjudged} was interrupted before its verdict and goes on"
            runs.set_run_state(conn, result.run_id, result.state, detail)
            return SnapshotResult(run_id=unjudged, state="fetched", detail=detail, new_snapshots=())
        runs.set_run_state(conn, result.run_id, result.state, result.detail)
    logger.info("%s: %s", source.id, result.detail)
    return result


def _put(source: Source, fetched: Fetched, context: RunContext) -> Snapshot:
    """Keep bytes; live ones are known from the day they are first seen, others as their archive says."""
    known_from = fetched.known_from or (context.as_of if context.origin == "live" else None)
    return SnapshotStore(context.snapshots).put(
        fetched,
        retrieved_at=context.now,
        licence=source.licence,
        origin=context.origin,
        known_from=known_from,
    )


def _enter(conn: PgConnection, source: Source, snapshot: Snapshot, run_id: int) -> bool:
    """Enter a snapshot under a run; False when something came of it, or this parser refused it, before."""
    key = {
        "snapshot_sha256": snapshot.sha256,
        "dataset": snapshot.dataset,
        "substance": snapshot.substance or runs.NOT_BY_SUBSTANCE,
    }
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/known_snapshot.sql"), key)
        met = cursor.fetchone()
        if met is not None:
            outcome, *_, version = met
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
    """Whether bytes were refused by another version of the parser than the one at hand."""
    return outcome == "quarantined" and version != parser_version(dataset)


def unread(conn: PgConnection, source: Source, *, refused_by_any: bool = False) -> list[dict[str, Any]]:
    """A source's kept bytes that this version of its parser has not read, oldest first.

    Args:
        conn: Connection as ``wh_loader``; this function only reads.
        source: Catalogue entry.
        refused_by_any: Whether those count as well that this very version refused.

    Returns:
        ``snapshot_sha256``, ``dataset``, ``substance`` and ``outcome`` of each: what another version
        refused, and what an interrupted run left unread.
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
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Let a run read a source's unread bytes; their hashes, and what to say of each."""
    with conn, conn.cursor() as cursor:
        found = unread(conn, source, refused_by_any=refused_by_any)
        for row in found:
            cursor.execute(load_sql("write/adopt_snapshot.sql"), {**row, "run_id": run_id})
    return tuple(row["snapshot_sha256"] for row in found), tuple(map(_say_again, found))


def _say_again(row: dict[str, Any]) -> str:
    why = "left unread by an interrupted run" if row["outcome"] is None else "refused before"
    return f"{row['dataset']} {row['substance']} (file {row['snapshot_sha256'][:8]}): {why}, read again"


def adopt_refused(conn: PgConnection, source: Source, *, run_id: int) -> SnapshotResult:
    """Begin a run with the source's kept bytes that were refused, whichever version refused them.

    No agency is asked.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        run_id: The source run, begun before.
    """
    again, told = _adopt_unread(conn, source, run_id, refused_by_any=True)
    result = SnapshotResult(
        run_id=run_id,
        state="fetched" if again else "no_news",
        detail="; ".join(told) or "no kept file of this source is refused",
        new_snapshots=again,
    )
    return _end(conn, source, result)


def read_refusals(conn: PgConnection, source: Source) -> tuple[str, ...]:
    """The kept files of a source that are refused, each with the reason.

    Args:
        conn: Connection as ``wh_loader``; this function only reads.
        source: Catalogue entry.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/refusals.sql"), {"source": source.id})
        return tuple(
            f"refused: {dataset} {substance} (file {sha256[:8]}), retrieved {retrieved_at:%Y-%m-%d}: {rule}: "
            f"{message}"
            for sha256, dataset, substance, retrieved_at, rule, message in cursor.fetchall()
        )


def wanted(source: Source, context: RunContext) -> Iterator[tuple[str, str | None]]:
    """The datasets of a source and the substances of each (None where it has none), as they are asked for."""
    for dataset in source.datasets:
        for substance in dataset.substances:
            if is_wanted(dataset, substance, context):
                yield dataset.id, substance


def is_wanted(dataset: Dataset, substance: str | None, context: RunContext) -> bool:
    """Whether the source is asked for it: not what comes by hand, nor what no setting names."""
    return not dataset.by_hand and (not dataset.by_setting or substance in context.air_pollutants)


def _say(dataset: str, substance: str | None, snapshot: Snapshot, *, is_new: bool) -> str:
    label = f"{dataset} {substance}" if substance else dataset
    return f"{label}: {'new bytes' if is_new else 'known bytes, no new release'} ({snapshot.sha256[:8]})"


@dataclass(frozen=True, kw_only=True)
class Given:
    """A file that a person gives by hand, recognised.

    Attributes:
        name: What the file is called.
        body: Its bytes: one file is one part of an answer. An answer of several pages, where one page is
            not read alone, cannot be given by hand.
        known: What it is.
        is_synthetic: Whether it says of itself that its figures are made up.
    """

    name: str
    body: bytes
    known: Known
    is_synthetic: bool


def recognise_file(file: Path) -> Given:
    """Read a file given by hand and see whose it is.

    Args:
        file: A file of any source; a symbolic link is followed.

    Raises:
        UsageError: if it is no file, cannot be opened, or is larger than any answer that is fetched.
        SourceFormatError: if no source knows it; the message says what each source looks for.
    """
    body = _read_file(file)
    from klimatpuls.pipeline.recognise_file import recognise  # reads tables, which most commands do not

    found = isolation.run_isolated(recognise, body, what=file.name)
    if found is None:
        raise _unknown(file.name, body)
    known, is_synthetic = found
    return Given(name=file.name, body=body, known=known, is_synthetic=is_synthetic)


def _read_file(file: Path) -> bytes:
    """The bytes of a regular file; anything else is refused before it is read.

    Raises:
        UsageError: as :func:`recognise_file`.
    """
    try:
        # A pipe without a writer would wait for ever.
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
    """Refuse what is no regular file, and one that is larger than any answer that is fetched."""
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

    looked_for = isolation.run_isolated(recognised_files, what=name)
    lines = [f"  {source}: {files}" for source, files in looked_for.items()]
    kind = "a zip (a workbook, perhaps)" if body.startswith(b"PK") else looks_like(body)
    msg = (
        f"{name}: no source knows this file; it is {kind}. Nothing was kept. What each source looks for:\n"
        + "\n".join(lines)
    )
    return SourceFormatError(msg, rule="unknown_file", findings=[kind])


def keep_given(given: Given, context: RunContext) -> Snapshot:
    """Hop 1 for a file given by hand: keep its bytes.

    Args:
        given: The file, recognised.
        context: Day, origin and folders.

    Returns:
        The snapshot, not yet entered into the warehouse: the ingest DAG does that with its run.
    """
    source = catalog.source(given.known.source)
    fetched = Fetched(
        source=source.id,
        dataset=given.known.dataset,
        substance=given.known.substance,
        url=f"file:{given.name}",
        parts=(given.body,),
    )
    return _put(source, fetched, context)


def keep_file(file: Path, context: RunContext) -> Snapshot:
    """Recognise a file given by hand and keep its bytes; see :func:`recognise_file`, :func:`keep_given`."""
    return keep_given(recognise_file(file), context)


def adopt_by_hand(
    conn: PgConnection,
    source: Source,
    context: RunContext,
    *,
    run_id: int,
    manifest_path: str,
) -> SnapshotResult:
    """Begin a run with bytes that a person gave, kept before by :func:`keep_file`.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        context: Day, origin and folders.
        run_id: The source run, begun before.
        manifest_path: The snapshot's manifest inside the store.
    """
    snapshot = SnapshotStore(context.snapshots).read(manifest_path)
    is_new = _enter(conn, source, snapshot, run_id)
    result = SnapshotResult(
        run_id=run_id,
        state="fetched" if is_new else "no_news",
        detail=_say(snapshot.dataset, snapshot.substance, snapshot, is_new=is_new),
        new_snapshots=(snapshot.sha256,) if is_new else (),
    )
    return _end(conn, source, result)


def adopt_kept(
    conn: PgConnection, source: Source, context: RunContext, *, run_id: int, kept_as_of: date
) -> SnapshotResult:
    """Begin a run with the bytes that had been kept by a day: a backfill asks no agency.

    Of every dataset and substance the newest kept answer is taken that was known by the day. Bytes of which
    something has come already are known and bring nothing.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        context: Day, origin and folders.
        run_id: The source run, begun before.
        kept_as_of: The day.

    Returns:
        What was new; ``not_yet_published`` where nothing had been kept by the day.
    """
    kept: list[tuple[str, bool]] = []
    said: list[str] = []
    store = SnapshotStore(context.snapshots)
    for dataset, substance in wanted(source, context):
        snapshot = store.newest(source.id, dataset, substance, kept_as_of)
        if snapshot is None:
            label = f"{dataset} {substance}" if substance else dataset
            said.append(f"{label}: nothing was kept by {kept_as_of}")
            continue
        is_new = _enter(conn, source, snapshot, run_id)
        kept.append((snapshot.sha256, is_new))
        said.append(_say(dataset, substance, snapshot, is_new=is_new))
    new = tuple(sha256 for sha256, is_new in kept if is_new)
    state = "fetched" if new else "no_news" if kept else "not_yet_published"
    result = SnapshotResult(run_id=run_id, state=state, detail="; ".join(said), new_snapshots=new)
    return _end(conn, source, result)
