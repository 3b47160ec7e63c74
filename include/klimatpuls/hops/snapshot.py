"""Hop 1: URL → bytes, kept by their hash with a manifest before anything is parsed.

Bytes that are known end here: there is no new release, and what follows is skipped and says so.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from klimatpuls import catalog
from klimatpuls.errors import NotYetPublished
from klimatpuls.releases import Fetched
from klimatpuls.snapshots import SnapshotStore
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.assumptions import Checked
    from klimatpuls.catalog import Dataset, Source
    from klimatpuls.hops.context import RunContext
    from klimatpuls.http import PoliteSession
    from klimatpuls.releases import Look, Parsed
    from klimatpuls.snapshots import Snapshot


class SourceModule(Protocol):
    """What a module of ``klimatpuls.sources`` offers."""

    def fetch(
        self, session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
    ) -> Fetched:
        """Get the newest bytes of a dataset."""

    def parse(self, parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
        """Turn bytes into tidy rows."""

    def look(
        self,
        session: PoliteSession,
        base_url: str,
        dataset: str,
        substance: str | None,
        *,
        as_of: date,
        validators: Mapping[str, str],
    ) -> Look:
        """See, as lightly as the service allows, whether the publisher changed anything."""

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
    run_id: int,
) -> SnapshotResult:
    """Fetch every dataset and substance of a source and keep what is new.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        session: Polite session at the agency or a replica.
        context: Day, origin and folders.
        run_id: The source run, begun before; a retry goes on with the same one.

    Returns:
        What was new.

    Raises:
        FetchError: if a dataset could not be fetched; what was kept until then stays kept.
    """
    kept: list[tuple[str, bool]] = []
    said: list[str] = []
    module = source_module(source)
    for dataset, substance in wanted(source, context):
        try:
            fetched = module.fetch(session, session.base_url, dataset, substance, as_of=context.as_of)
        except NotYetPublished as missing:
            said.append(str(missing))
            continue
        snapshot = _put(source, fetched, context)
        is_new = _enter(conn, source, snapshot, run_id)
        kept.append((snapshot.sha256, is_new))
        said.append(_say(dataset, substance, snapshot, is_new=is_new))
    new = tuple(sha256 for sha256, is_new in kept if is_new)
    state = "fetched" if new else "no_news" if kept else "not_yet_published"
    return _end(
        conn,
        source,
        SnapshotResult(run_id=run_id, state=state, detail="; ".join(said), new_snapshots=new),
    )


def _end(conn: PgConnection, source: Source, result: SnapshotResult) -> SnapshotResult:
    """Write how a fetch ended; without news, hand on an earlier run that was killed before its verdict."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/unjudged_run.sql"), {"source": source.id, "run_id": result.run_id})
        (unjudged,) = cursor.fetchone()
        if result.state != "fetched" and unjudged is not None:
            detail = f"{result.detail}; run {unjudged} was interrupted before its verdict and goes on"
            runs.set_run_state(conn, result.run_id, result.state, detail)
            return SnapshotResult(run_id=unjudged, state="fetched", detail=detail, new_snapshots=())
        runs.set_run_state(conn, result.run_id, result.state, result.detail)
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
    """Enter a snapshot under a run; False when something has come of these bytes before."""
    key = {
        "snapshot_sha256": snapshot.sha256,
        "dataset": snapshot.dataset,
        "substance": snapshot.substance or runs.NOT_BY_SUBSTANCE,
    }
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/known_snapshot.sql"), key)
        met = cursor.fetchone()
        if met is not None and met[0] is not None:
            return False
        if met is not None:
            cursor.execute(load_sql("load/adopt_snapshot.sql"), {**key, "run_id": run_id})
            return True
        cursor.execute(
            load_sql("load/insert_snapshot.sql"),
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


def keep_file(file: Path, context: RunContext) -> Snapshot:
    """Hop 1 for a file given by hand: look what it is, and keep its bytes.

    Args:
        file: A file of a source that takes files: a workbook of SMHI's emission database, the yearly workbook
            of Trafikanalys …
        context: Day, origin and folders.

    Returns:
        The snapshot, not yet entered into the warehouse: the ingest DAG does that with its run.

    Raises:
        SourceFormatError: if no source knows it.
    """
    body = file.read_bytes()
    source, dataset, substance = _whose(body)
    fetched = Fetched(
        source=source.id,
        dataset=dataset,
        substance=substance,
        url=f"file:{file.name}",
        parts=(body,),
    )
    return _put(source, fetched, context)


def _whose(body: bytes) -> tuple[Source, str, str | None]:
    """The source, dataset and substance of a file, by its bytes.

    Raises:
        SourceFormatError: if no source knows it, as the emission database says why not.
    """
    for source in catalog.SOURCES.values():
        recognise = getattr(source_module(source), "recognise", None)
        known = recognise(body) if recognise is not None else None
        if known is not None:
            return (source, *known)
    source, substance = catalog.SMHI_EMISSIONS, smhi_emissions.read_preamble(body).substance
    dataset = next(entry.id for entry in source.datasets if substance in entry.substances)
    return source, dataset, substance


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
