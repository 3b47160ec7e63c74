"""Hop 1: URL → bytes, kept by their hash with a manifest before anything is parsed.

Bytes that are known end here: there is no new release, and what follows is skipped and says so.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from klimatpuls.errors import NotYetPublished
from klimatpuls.snapshots import SnapshotStore
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.catalog import Source
    from klimatpuls.hops.context import RunContext
    from klimatpuls.http import PoliteSession
    from klimatpuls.releases import Fetched, Parsed


class SourceModule(Protocol):
    """What a module of ``klimatpuls.sources`` offers."""

    def fetch(
        self, session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
    ) -> Fetched:
        """Get the newest bytes of a dataset."""

    def parse(self, parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
        """Turn bytes into tidy rows."""


@dataclass(frozen=True, kw_only=True)
class SnapshotResult:
    """What a fetch brought.

    Attributes:
        run_id: The source run.
        state: ``fetched``, ``no_news`` or ``not_yet_published``.
        detail: What happened per dataset and substance, for the person who watches.
        new_snapshots: Hashes of bytes not seen before (or seen, but never brought to an end).
    """

    run_id: int
    state: str
    detail: str
    new_snapshots: tuple[str, ...]


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
    orchestrator_run: str | None,
) -> SnapshotResult:
    """Fetch every dataset and substance of a source and keep what is new.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        session: Polite session at the agency or a replica.
        context: Day, origin and folders.
        orchestrator_run: Name of the run at the orchestrator; a retry with the same name goes on with the
            same source run.

    Returns:
        What was new.

    Raises:
        FetchError: if a dataset could not be fetched; the run is then closed as ``failed``.
    """
    with conn:
        run = runs.start_run(
            conn,
            source=source.id,
            origin=context.origin,
            as_of=context.as_of,
            orchestrator_run=orchestrator_run,
        )
    kept: list[tuple[str, str]] = []
    said: list[str] = []
    module = source_module(source)
    for dataset, substance in _wanted(source):
        try:
            fetched = module.fetch(session, session.base_url, dataset, substance, as_of=context.as_of)
        except NotYetPublished as missing:
            said.append(str(missing))
            continue
        sha256, is_new = keep(conn, source, fetched, run.run_id, context)
        kept.append((sha256, "new" if is_new else "known"))
        label = _label(dataset, substance)
        said.append(f"{label}: {'new bytes' if is_new else 'known bytes, no new release'} ({sha256[:8]})")
    new = tuple(sha256 for sha256, outcome in kept if outcome == "new")
    state = "fetched" if new else "no_news" if kept else "not_yet_published"
    result = SnapshotResult(run_id=run.run_id, state=state, detail="; ".join(said), new_snapshots=new)
    with conn:
        runs.set_run_state(conn, run.run_id, result.state, result.detail)
    return result


def keep(
    conn: PgConnection, source: Source, fetched: Fetched, run_id: int, context: RunContext
) -> tuple[str, bool]:
    """Keep fetched bytes and enter them; the caller's run owns what nothing has come of yet.

    Returns:
        The snapshot's hash, and whether it is new: never met, or met without having become anything.
    """
    store = SnapshotStore(context.snapshots)
    known_from = fetched.known_from or (context.as_of if context.origin == "live" else None)
    snapshot = store.put(
        fetched,
        retrieved_at=context.now,
        licence=source.licence,
        origin=context.origin,
        known_from=known_from,
    )
    key = {
        "snapshot_sha256": snapshot.sha256,
        "dataset": fetched.dataset,
        "substance": fetched.substance or runs.NOT_BY_SUBSTANCE,
    }
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/known_snapshot.sql"), key)
        met = cursor.fetchone()
        if met is not None and met[0] is not None:
            return snapshot.sha256, False
        if met is None:
            cursor.execute(
                load_sql("load/insert_snapshot.sql"),
                {
                    **key,
                    "source": source.id,
                    "url": fetched.url,
                    "size_bytes": snapshot.size,
                    "known_from": known_from,
                    "retrieved_at": context.now,
                    "manifest_path": snapshot.manifest_path,
                    "run_id": run_id,
                },
            )
        else:
            cursor.execute(load_sql("load/adopt_snapshot.sql"), {**key, "run_id": run_id})
    return snapshot.sha256, True


def _wanted(source: Source) -> Iterator[tuple[str, str | None]]:
    for dataset in source.datasets:
        for substance in dataset.substances:
            yield dataset.id, substance


def _label(dataset: str, substance: str | None) -> str:
    return f"{dataset} {substance}" if substance else dataset
