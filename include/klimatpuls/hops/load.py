"""Hop 2: bytes → tidy rows → a partition of ``core``, invisible until published.

Rows in = rows out + cells rejected, asserted for every release. Content that is known already is nothing
new, whatever file it came in. A file whose bytes are not what the contract says is quarantined alone: the
other substances of the run go on.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from klimatpuls import releases as release_rules
from klimatpuls.errors import SourceFormatError
from klimatpuls.hops.snapshot import source_module
from klimatpuls.impossible import refuse_impossible
from klimatpuls.snapshots import SnapshotStore
from klimatpuls.validation.record import quarantine_snapshot
from klimatpuls.warehouse import loader, runs
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.catalog import Source
    from klimatpuls.hops.context import RunContext
    from klimatpuls.releases import Parsed


AHEAD = 1
"""Files parsed ahead of the one whose rows are on their way to the server."""


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What a load did.

    Attributes:
        run_id: The source run.
        rows: Release id → rows loaded, by this call or by an earlier one for the same run.
        known: Ids of releases whose content came again in other bytes.
        quarantined: One message per file that was refused, by this call or an earlier one.
    """

    run_id: int
    rows: dict[str, int]
    known: tuple[str, ...]
    quarantined: tuple[str, ...]


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


def load_run(conn: PgConnection, source: Source, run_id: int, context: RunContext) -> LoadResult:
    """Parse and load every snapshot of a run that nothing has come of yet, in one transaction.

    Two files are in memory at most: while the server takes the rows of one, the next is parsed. Called again
    after it was done (a killed or cleared task), it loads nothing and returns what is there.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry of the run's source.
        run_id: The source run.
        context: Day, origin and folders.

    Returns:
        Rows per release, what was known, what was refused.
    """
    rows, refused = _done_before(conn, run_id)
    known: list[str] = []
    with conn:
        facts = loader.FactLoader(conn, run_id)
        for snapshot, parsing in _parsed_ahead(source, _snapshots(conn, run_id), context):
            try:
                parsed, content = parsing.result()
            except SourceFormatError as error:
                _refuse(conn, run_id, snapshot, error)
                refused.append(str(error))
                continue
            held = _release_with_content(conn, snapshot, content)
            if held is not None:
                _set_outcome(conn, snapshot, "known_content", held)
                known.append(held)
                continue
            release_id = release_rules.release_id(parsed, content)
            rows[release_id] = facts.add(release_id, parsed)
            _insert_release(conn, source, run_id, context, snapshot, release_id, content, parsed)
            loader.load_rejects(conn, run_id, snapshot.key, parsed.rejects)
            _set_outcome(conn, snapshot, "release", release_id)
        facts.finish()
        result = LoadResult(run_id=run_id, rows=rows, known=tuple(known), quarantined=tuple(refused))
        runs.set_run_state(conn, run_id, _state(result), _describe(result))
    return result


def _parsed_ahead(
    source: Source, snapshots: Sequence[_Snapshot], context: RunContext
) -> Iterator[tuple[_Snapshot, Future[tuple[Parsed, str]]]]:
    """Every snapshot with its rows and their hash, one parsed ahead of the one that is taken."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="parse") as beside:
        remaining = iter(snapshots)
        begun: deque[Future[tuple[Parsed, str]]] = deque()
        for snapshot in snapshots:
            for each in islice(remaining, AHEAD + 1 - len(begun)):
                begun.append(beside.submit(_parse, source, each, context))
            yield snapshot, begun.popleft()


def _parse(source: Source, snapshot: _Snapshot, context: RunContext) -> tuple[Parsed, str]:
    """The rows of a snapshot's bytes, every cell accounted for, and the hash of its content.

    Raises:
        SourceFormatError: if the bytes are not what the contract says.
        RuntimeError: if the parser lost cells.
    """
    store = SnapshotStore(context.snapshots)
    parts = store.read_parts(store.read(snapshot.manifest_path))
    parsed: Parsed = refuse_impossible(
        source_module(source).parse(parts, snapshot.dataset, snapshot.substance)
    )
    _reconcile(snapshot, parsed)
    return parsed, release_rules.content_sha256(parsed)


def _refuse(conn: PgConnection, run_id: int, snapshot: _Snapshot, error: SourceFormatError) -> None:
    quarantine_snapshot(conn, run_id, snapshot.dataset, snapshot.key["substance"], snapshot.sha256, error)
    _set_outcome(conn, snapshot, "quarantined", None)


def _done_before(conn: PgConnection, run_id: int) -> tuple[dict[str, int], list[str]]:
    """What an earlier call brought for this run: rows by release, and the files it refused."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/rows_of_run.sql"), {"run_id": run_id})
        loaded = dict(cursor.fetchall())
        cursor.execute(load_sql("load/refused_files_of_run.sql"), {"run_id": run_id})
        refused = [f"{dataset} {substance} (file {sha[:8]})" for dataset, substance, sha in cursor.fetchall()]
    return loaded, refused


def _snapshots(conn: PgConnection, run_id: int) -> list[_Snapshot]:
    with conn.cursor() as cursor:
        cursor.execute(load_sql("load/snapshots_of_run.sql"), {"run_id": run_id})
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


def _reconcile(snapshot: _Snapshot, parsed: Parsed) -> None:
    found = len(parsed.rows) + len(parsed.rejects)
    if parsed.rows_read != found:
        msg = (
            f"{snapshot.dataset} {snapshot.substance or ''} ({snapshot.sha256[:8]}): "
            f"{parsed.rows_read} cells were read, but {len(parsed.rows)} rows and {len(parsed.rejects)} "
            "rejected cells came out. This is a fault of the parser, not of the file: nothing was loaded."
        )
        raise RuntimeError(msg)


def _release_with_content(conn: PgConnection, snapshot: _Snapshot, content: str) -> str | None:
    """The release of this content, loaded before or a moment ago in this transaction."""
    with conn.cursor() as cursor:
        cursor.execute(load_sql("load/release_with_content.sql"), {**snapshot.key, "content_sha256": content})
        row = cursor.fetchone()
    return row[0] if row else None


def _insert_release(
    conn: PgConnection,
    source: Source,
    run_id: int,
    context: RunContext,
    snapshot: _Snapshot,
    release_id: str,
    content: str,
    parsed: Parsed,
) -> None:
    with conn.cursor() as cursor:
        cursor.execute(
            load_sql("load/insert_release.sql"),
            {
                "release_id": release_id,
                "source": source.id,
                "dataset": snapshot.dataset,
                "substance": snapshot.key["substance"],
                "unit": parsed.unit,
                "gwp_set": parsed.gwp_set,
                "published_date": parsed.published_date,
                # An archive that says nothing: the facts were known when the publisher says they were.
                "known_from": snapshot.known_from or parsed.published_date,
                "retrieved_at": snapshot.retrieved_at,
                "content_sha256": content,
                "file_sha256": snapshot.sha256,
                "years": list(parsed.years),
                "row_count": len(parsed.rows),
                "rejected_count": len(parsed.rejects),
                "notes": list(parsed.notes),
                "origin": context.origin,
                "run_id": run_id,
            },
        )


def _set_outcome(conn: PgConnection, snapshot: _Snapshot, outcome: str, release_id: str | None) -> None:
    with conn.cursor() as cursor:
        cursor.execute(
            load_sql("load/set_snapshot_outcome.sql"),
            {**snapshot.key, "outcome": outcome, "release_id": release_id},
        )


def _state(result: LoadResult) -> str:
    if result.rows:
        return "loaded"
    return "quarantined" if result.quarantined else "no_news"


def _describe(result: LoadResult) -> str:
    said = [f"{release_id}: {count} rows loaded" for release_id, count in sorted(result.rows.items())]
    said += [f"{release_id}: the same content in another file, nothing new" for release_id in result.known]
    said += [f"refused: {message}" for message in result.quarantined]
    return "; ".join(said)
