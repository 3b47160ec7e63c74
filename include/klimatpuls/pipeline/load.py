"""Step 2: bytes → rows → a partition of ``core``, invisible until published.

For every release, rows read = rows loaded + cells rejected. Known content makes no release, whatever its
file.

One file never stops another. Each is read in a process of its own (:mod:`klimatpuls.files.isolation`) and
loaded behind a savepoint: only a file that cannot be read, or whose rows the database refuses, is
quarantined, with the reason (docs/decisions/0026).
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from klimatpuls.contract import catalog
from klimatpuls.errors import SourceFormatError
from klimatpuls.files import isolation
from klimatpuls.pipeline.operator_notice import lost_parts, queue
from klimatpuls.pipeline.parser_version import parser_version
from klimatpuls.pipeline.read_file import name_of_file, read_snapshot
from klimatpuls.validation.record import quarantine_snapshot
from klimatpuls.warehouse import loader, runs
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Source
    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.pipeline.read_file import Read


logger = logging.getLogger(__name__)

DATABASE_REFUSED = "database_refused"
_OF_THE_ROWS = (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.InternalError, loader.RowCountError)
"""Errors caused by the rows of a file; any other (connection lost, disk full) has another cause."""


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """The result of a load.

    Attributes:
        run_id: The source run.
        rows: Release id → rows loaded, by this call or by an earlier one for the same run.
        known: Ids of releases whose content was in other bytes before.
        quarantined: One message per file that was refused, by this call or an earlier one.
        refused_again: One message per file that an earlier run refused for the same reason; the operator is
            notified once.
        notes: Notes on the files for the operator, one sentence each.
        losses: The notes of this call about a part that is missing while the rest was loaded; their notice
            is queued.
    """

    run_id: int
    rows: dict[str, int]
    known: tuple[str, ...]
    quarantined: tuple[str, ...]
    refused_again: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    sha256: str
    dataset: str
    substance: str | None
    known_from: date | None
    retrieved_at: datetime
    manifest_path: str

    @property
    def key(self) -> dict[str, Any]:
        return {
            "snapshot_sha256": self.sha256,
            "dataset": self.dataset,
            "substance": self.substance or runs.NOT_BY_SUBSTANCE,
        }

    @property
    def name(self) -> str:
        """Name of the file in messages."""
        return name_of_file(self.dataset, self.substance, self.sha256)


class _RefusedTogether(Exception):  # noqa: N818 - a state of the load, not an error of its caller
    """The database refused the rows of several files together; the wrong file is not known yet."""


def load_run(conn: PgConnection, source: Source, run_id: int, context: RunContext) -> LoadResult:
    """Read and load every unfinished snapshot of a run, in one transaction.

    At most two files are in memory: the next is read while the server receives the rows of one. A call
    after an earlier one finished (a killed or cleared task) loads nothing and returns its result.

    Keys are created after all rows, which halves the time. If the database then refuses the rows, everything
    is loaded again with the keys first, so that only the wrong file is refused.

    Returns:
        Rows per release, known releases, refused files.

    Raises:
        IsolationError: if no process could be started to read files.
        SnapshotError: if kept bytes are missing or damaged.
        psycopg2.OperationalError: if the database stopped; nothing is loaded then.
    """
    isolation.server(*_needed(source))
    try:
        return _Load(conn, source, run_id, context, keyed_first=False).run()
    except _RefusedTogether:
        return _Load(conn, source, run_id, context, keyed_first=True).run()


def _needed(source: Source) -> tuple[str, ...]:
    """Return the modules that the reading process imports while this one queries the database."""
    return "klimatpuls.pipeline.read_file", f"klimatpuls.sources.{source.id}", "klimatpuls.contract.releases"


class _Load:
    """One attempt at a run's files, in one transaction."""

    def __init__(
        self, conn: PgConnection, source: Source, run_id: int, context: RunContext, *, keyed_first: bool
    ) -> None:
        self._conn, self._source, self._run_id, self._context = conn, source, run_id, context
        self._keyed_first = keyed_first
        self._rows, self._refused = _done_before(conn, run_id)
        self._facts = loader.FactLoader(conn, run_id, keyed_first=keyed_first)
        self._known: list[str] = []
        self._again: list[str] = []
        self._losses: list[str] = []

    def run(self) -> LoadResult:
        """Load the files; the result includes what an earlier call loaded."""
        with self._conn:
            for snapshot, reading in self._read_ahead(_snapshots(self._conn, self._run_id)):
                try:
                    self._take(snapshot, reading.result())
                except SourceFormatError as error:
                    self._refuse(snapshot, error)
            try:
                self._facts.finish()
            except _OF_THE_ROWS as error:
                if self._keyed_first:
                    raise
                logger.warning("the rows of run %s are loaded again, keys first: %s", self._run_id, error)
                raise _RefusedTogether from error
            result = LoadResult(
                run_id=self._run_id,
                rows=self._rows,
                known=tuple(self._known),
                quarantined=tuple(self._refused),
                refused_again=tuple(self._again),
                notes=runs.read_notes(self._conn, self._run_id),
                losses=tuple(dict.fromkeys(self._losses)),
            )
            if result.losses:  # their notice is queued in the transaction of the rows
                with self._conn.cursor() as cursor:
                    queue(cursor, lost_parts(self._source.id, result.losses, self._context), self._context)
            state = "loaded" if result.rows else "quarantined" if result.quarantined else "no_news"
            runs.set_run_state(self._conn, self._run_id, state, _describe(result))
        logger.info("%s", _describe(result))
        return result

    def _read_ahead(self, snapshots: Sequence[_Snapshot]) -> Iterator[tuple[_Snapshot, Future[Read]]]:
        """Yield every snapshot with its rows; one file is read ahead of the one that is loaded."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read") as reader:
            begun: list[tuple[_Snapshot, Future[Read]]] = []
            for snapshot in snapshots:
                reading = reader.submit(_read, self._source, snapshot, self._context, self._run_id)
                begun.append((snapshot, reading))
                if len(begun) > 1:
                    yield begun.pop(0)
            yield from begun

    def _read_again(self, snapshot: _Snapshot, came_back_on: date) -> Read:
        return _read(self._source, snapshot, self._context, self._run_id, came_back_on=came_back_on)

    def _take(self, snapshot: _Snapshot, read: Read) -> None:
        """Load one file, or find that its content is known.

        Raises:
            SourceFormatError: if the database refuses its rows; then nothing of it is loaded.
        """
        held, read = self._known_as(snapshot, read)
        if held is not None:
            self._set_outcome(snapshot, "known_content", held)
            self._known.append(held)
            return
        with _blamed_on(snapshot), self._facts.one_release():
            count = self._facts.add(read.release_id, read.fact, read.rows)
            self._insert_release(snapshot, read)
            loader.copy_rejects(self._conn, read.rejects)
            self._set_outcome(snapshot, "release", read.release_id)
        self._rows[read.release_id] = count
        self._losses += read.losses

    def _known_as(self, snapshot: _Snapshot, read: Read) -> tuple[str | None, Read]:
        """Return the release that has a file's content already, if any, and the file under its release name.

        If the publisher states no dates, content is known if it was also retrieved last. Content that comes
        back after other content is a new release, whose name includes the day; otherwise the other content
        would stay current.
        """
        held = _release_with_content(self._conn, snapshot, read.content_sha256)
        if held is None or not catalog.dataset(snapshot.dataset).dated_by_retrieval:
            return held, read
        with self._conn.cursor() as cursor:
            values = {**snapshot.key, "retrieved": read.published_date}
            cursor.execute(load_sql("read/last_retrieved.sql"), values)
            last = cursor.fetchone()
        if last is None or last[0] == held:
            return held, read
        last_id, last_day, last_content = last
        if self._read_again(snapshot, last_day).content_sha256 == last_content:
            return last_id, read
        read = self._read_again(snapshot, read.published_date)
        return _release_with_content(self._conn, snapshot, read.content_sha256), read

    def _refuse(self, snapshot: _Snapshot, error: SourceFormatError) -> None:
        """Quarantine a file; without a notice if an earlier run refused it for the same reason."""
        with self._conn.cursor() as cursor:
            cursor.execute(load_sql("read/last_refusal.sql"), {**snapshot.key, "run_id": self._run_id})
            before = cursor.fetchone()
            if before is not None and before[1] == error.rule:
                # The file belongs again to the run that refused it first.
                cursor.execute(load_sql("write/adopt_snapshot.sql"), {**snapshot.key, "run_id": before[0]})
        if before is not None and before[1] == error.rule:
            self._again.append(_named(snapshot, error))
        else:
            substance = snapshot.key["substance"]
            quarantine_snapshot(self._conn, self._run_id, snapshot.dataset, substance, snapshot.sha256, error)
            self._refused.append(_named(snapshot, error))
        self._set_outcome(snapshot, "quarantined", None)

    def _insert_release(self, snapshot: _Snapshot, read: Read) -> None:
        with self._conn.cursor() as cursor:
            cursor.execute(
                load_sql("write/insert_release.sql"),
                {
                    "release_id": read.release_id,
                    "source": self._source.id,
                    "dataset": snapshot.dataset,
                    "substance": snapshot.key["substance"],
                    "unit": read.unit,
                    "gwp_set": read.gwp_set,
                    "published_date": read.published_date,
                    # An archive without the day: the facts were known on the publisher's own date.
                    "known_from": snapshot.known_from or read.published_date,
                    "retrieved_at": snapshot.retrieved_at,
                    "content_sha256": read.content_sha256,
                    "file_sha256": snapshot.sha256,
                    "years": list(read.years),
                    "row_count": read.rows.count,
                    "rejected_count": read.rejects.count,
                    "notes": list(read.notes),
                    "origin": self._context.origin,
                    "run_id": self._run_id,
                },
            )

    def _set_outcome(self, snapshot: _Snapshot, outcome: str, release_id: str | None) -> None:
        with self._conn.cursor() as cursor:
            cursor.execute(
                load_sql("write/set_snapshot_outcome.sql"),
                {
                    **snapshot.key,
                    "outcome": outcome,
                    "release_id": release_id,
                    "parser_version": parser_version(snapshot.dataset),
                },
            )


def _named(snapshot: _Snapshot, error: SourceFormatError) -> str:
    """Return the message of a refusal, with the file's name in front."""
    message = str(error)
    return message if message.startswith(snapshot.name) else f"{snapshot.name}: {message}"


@contextmanager
def _blamed_on(snapshot: _Snapshot) -> Iterator[None]:
    """Turn the database's refusal of rows into a refusal of their file.

    Raises:
        SourceFormatError: with the rule ``database_refused``; names class, message, table and constraint.
    """
    try:
        yield
    except _OF_THE_ROWS as error:
        words = " ".join(str(error).split())
        where = getattr(error, "diag", None)
        table = f" in table {where.schema_name}.{where.table_name}" if where and where.table_name else ""
        broken = f", rule {where.constraint_name}" if where and where.constraint_name else ""
        why = f"{type(error).__name__}{table}{broken}: {words[:600]}"
        msg = (
            f"{snapshot.name}: it was read, but the database refused its rows: {why}. Nothing of it was "
            "loaded. The parser let through what the contract forbids: report this message; the file itself "
            "may be sound."
        )
        raise SourceFormatError(msg, rule=DATABASE_REFUSED, findings=[why]) from error


def _read(
    source: Source,
    snapshot: _Snapshot,
    context: RunContext,
    run_id: int,
    *,
    came_back_on: date | None = None,
) -> Read:
    """Read a snapshot in a process of its own.

    Raises:
        SourceFormatError: if the bytes do not fit the contract, or reading them took too long.
    """
    return isolation.server(*_needed(source)).call(
        read_snapshot,
        source.id,
        str(context.snapshots),
        snapshot.manifest_path,
        snapshot.dataset,
        snapshot.substance,
        run_id,
        came_back_on,
        what=snapshot.name,
    )


def _done_before(conn: PgConnection, run_id: int) -> tuple[dict[str, int], list[str]]:
    """Return the result of an earlier call for this run: rows by release, and refused files."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/rows_of_run.sql"), {"run_id": run_id})
        loaded = dict(cursor.fetchall())
        cursor.execute(load_sql("read/refused_files_of_run.sql"), {"run_id": run_id})
        refused = [f"{dataset} {substance} (file {sha[:8]})" for dataset, substance, sha in cursor.fetchall()]
    return loaded, refused


def _snapshots(conn: PgConnection, run_id: int) -> list[_Snapshot]:
    with conn.cursor() as cursor:
        cursor.execute(load_sql("read/snapshots_of_run.sql"), {"run_id": run_id})
        rows = cursor.fetchall()
    return [
        _Snapshot(
            sha256=sha256,
            dataset=dataset,
            substance=None if substance == runs.NOT_BY_SUBSTANCE else substance,
            known_from=known_from,
            retrieved_at=retrieved_at,
            manifest_path=manifest_path,
        )
        for sha256, dataset, substance, known_from, retrieved_at, manifest_path in rows
    ]


def _release_with_content(conn: PgConnection, snapshot: _Snapshot, content: str) -> str | None:
    """Return the release of this content, loaded before or in this transaction."""
    with conn.cursor() as cursor:
        cursor.execute(load_sql("read/release_with_content.sql"), {**snapshot.key, "content_sha256": content})
        row = cursor.fetchone()
    return row[0] if row else None


def _describe(result: LoadResult) -> str:
    parts = [f"{release_id}: {count} rows loaded" for release_id, count in sorted(result.rows.items())]
    parts += [f"{release_id}: the same content in another file, nothing new" for release_id in result.known]
    parts += [f"refused: {message}" for message in result.quarantined]
    parts += [f"refused again for the same reason: {message}" for message in result.refused_again]
    parts += runs.notes_in_short(result.notes)
    return "; ".join(parts)
